import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScreen } from '../terminal/style.ts';
import { widthOf } from '../terminal/text.ts';
import { runCli } from '../test-support/run-cli.ts';
import { findNatsServer, startNatsChild } from './nats-child.ts';
import { Shutdown } from './shutdown.ts';
import type { StartInfo } from './start-screen.ts';
import { startScreen } from './start-screen.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-up-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('startNatsChild', () => {
  const binary = findNatsServer() ?? 'nats-server is not installed';

  it('starts a server with JetStream, beside another one, and stops it', async () => {
    const one = await startNatsChild(binary, join(folder, 'one'));
    const two = await startNatsChild(binary, join(folder, 'two'));
    try {
      expect(one.url).not.toBe(two.url);
      const connection = await connect({ servers: two.url });
      await expect((await connection.jetstreamManager()).getAccountInfo()).resolves.toMatchObject({ streams: 0 });
      await connection.close();
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
    await expect(one.exited).resolves.toMatchObject({ expected: true });
    await expect(connect({ servers: two.url })).rejects.toThrow();
  });

  it('says when the server does not start, and where to look', async () => {
    writeFileSync(join(folder, 'broken'), '#!/bin/sh\nexit 7\n', { mode: 0o755 });
    await expect(startNatsChild(join(folder, 'broken'), join(folder, 'data'))).rejects.toMatchObject({
      message: 'nats-server did not start: exit code 7',
      hint: expect.stringContaining('nats-server.log'),
    });
  });
});

describe('Shutdown', () => {
  it('stops in the opposite order, goes on after a failure, and only once', async () => {
    const stopped: string[] = [];
    const shutdown = new Shutdown();
    shutdown.add('first', () => void stopped.push('first'));
    shutdown.add('broken', () => Promise.reject(new Error('stuck')));
    shutdown.add('last', () => void stopped.push('last'));
    const lines = await Promise.all([shutdown.run(), shutdown.run()]);
    expect(stopped).toEqual(['last', 'first']);
    expect(lines[0]).toEqual(['last stopped', 'broken did not stop cleanly: stuck', 'first stopped']);
    expect(lines[1]).toEqual(lines[0]);
  });
});

describe('startScreen', () => {
  const info: StartInfo = {
    version: '0.1.0',
    nodeName: 'node-3',
    kernel: '6.18.0 x86_64',
    hooks: [
      { name: 'exec', attachPoint: 'tp_btf/sched_process_exec', ways: [], consequence: 'nothing is seen' },
      {
        name: 'connect6',
        attachPoint: undefined,
        ways: [{ attachPoint: 'cgroup/connect6', state: 'refused', reason: 'no \u001b[2J' }],
        consequence: 'IPv6 is not seen',
      },
    ],
    runtimes: [],
    containersWatched: 3,
    ruleCount: 12,
    alerts: 'nats://127.0.0.1:4222 (nats-server started here)',
    subscribe: './tallyman alerts --follow',
    traces: 'not exported (--otlp-endpoint)',
    apiUrl: 'http://127.0.0.1:8600',
    logFile: '/var/lib/tallyman/tallyman.log',
  };
  const screen = createScreen({ columns: 80, colours: false, terminal: true, utc: true });

  it('tells what is watched, how, and where it goes; what is missing as well', () => {
    const lines = startScreen(info, screen);
    expect(lines.join('\n')).toMatchSnapshot();
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  });
});

describe('tallyman up', () => {
  it('stops what it started when a later part does not start, and says why', async () => {
    const missing = ['--cgroup-root', folder, '--rules', join(folder, 'missing-rules')];
    const result = await runCli(['up', '--data-dir', join(folder, 'data'), '--http', '127.0.0.1:0', ...missing]);
    expect(result.code).toBe(1);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('collector stopped\nnats-server stopped\n');
    expect(result.stderr).toMatch(/^tallyman: 1 problem in rule files\n.*missing-rules/m);
  });

  it('names every wrong key of a configuration before it starts anything', async () => {
    const result = await runCli(['up', '--data-dir', folder, '--cluster', 'no spaces', '--http-token', 'short']);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('cluster');
    expect(result.stderr).toContain('http.token');
  });
});
