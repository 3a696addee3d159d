import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LearningLab } from '../../collector/baseline/testing/learning-lab.ts';
import { Readiness } from '../../collector/query/readiness.ts';
import { createQueryServer, type QueryServer } from '../../collector/query/server.ts';
import { Uploads } from '../../collector/records/intake/uploads.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { runCli } from '../test-support/run-cli.ts';

let directory: string;
let lab: LearningLab;
let server: QueryServer;
let api: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-baseline-cli-'));
  lab = new LearningLab(directory);
  server = createQueryServer({
    ...{ listenAddress: '127.0.0.1:0', store: lab.store, baselines: lab.baselines, logger: silentLogger },
    records: { lookup: async () => Promise.reject(new Error('not asked')), peek: () => undefined },
    ...{ readiness: new Readiness(), registries: [], status: () => ({}) },
    uploads: new Uploads(lab.store, new Metrics('collector')),
  });
  api = await server.start();
  lab.run('c1');
  lab.executed('c1', '/bin/app');
  lab.executed('c1', '/tmp/\u001b[2J\nevil', { parentPath: '/bin/app' });
  const connected = { transport: 'tcp', remotePort: 443, remoteAddress: '192.0.2.1', executablePath: '/bin/app' };
  lab.observe('c1', { $case: 'connected', value: connected });
  lab.pass(600);
  lab.pass(600);
  lab.executed('c1', '/tmp/late');
});
afterAll(async () => {
  await server.close();
  lab.store.close();
  rmSync(directory, { recursive: true, force: true });
});

const cli = (...args: string[]) => runCli(['baseline', ...args], { TALLYMAN_API: api, TZ: 'UTC' });

describe('tallyman baseline', () => {
  it('lists baselines', async () => {
    const { stdout } = await cli('list');
    expect(stdout).toMatch(
      /^ID +WORKLOAD +REPOSITORY +DIGEST +STATE +CONTAINERS +WATCHED +REASON\n[0-9a-f]{16} +web +docker.io\/shop\/web +one +ready +1 +1.0 s\n$/,
    );
    const json = await cli('list', 'web', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ workload: 'web', state: 'ready' });
  });

  it('shows one, with what came from outside escaped', async () => {
    const { stdout, code } = await cli('show', 'web');
    expect(code).toBe(0);
    expect(stdout).toMatch(/● ready {2}web/);
    expect(stdout).toMatch(/executable \/bin\/app from outside: bin\/app +1 +2026-/);
    expect(stdout).toMatch(/destination tcp 192\.0\.2\.1 port 443 by \/bin\/app/);
    expect(stdout).toMatch(/candidates: [^\n]*\n[^\n]*\nexecutable \/tmp\/late/);
    expect(stdout).not.toContain('\u001b[2J');
    expect((await cli('show', 'nothing')).code).toBe(3);
  });

  it('gives a file, takes it back without a change, and shows what one would change', async () => {
    const file = join(directory, 'web.yaml');
    expect((await cli('export', 'web', '-o', file)).code).toBe(0);
    const text = readFileSync(file, 'utf8');
    expect((await cli('export', 'web')).stdout).toBe(text);
    expect((await cli('apply', file)).stderr).toMatch(
      /^0 added, 0 removed; the baseline is at version [0-9a-f]{16}\.\n$/,
    );
    writeFileSync(file, text.replace('listens: []', 'listens:\n  - { transport: tcp, port: 80 }'));
    const dry = await cli('apply', file, '--dry-run');
    expect([dry.stdout, dry.stderr]).toEqual([
      '+ listen tcp port 80\n',
      '1 added, 0 removed in the baseline; nothing was changed.\n',
    ]);
    expect(JSON.parse((await cli('apply', file, '--json')).stdout)).toMatchObject({ removed: [], created: false });
    // What was exported before is no longer what there is.
    writeFileSync(file, text);
    const refused = await cli('apply', file);
    expect([refused.code, refused.stderr]).toMatchObject([
      1,
      expect.stringMatching(/refuses \(412\).*export it again/),
    ]);
    expect((await cli('apply', file, '--force')).code).toBe(0);
  });

  it('says where a file is wrong', async () => {
    const file = join(directory, 'wrong.yaml');
    writeFileSync(file, 'kind: tallyman.baseline/v1\nrepositry: x\n');
    const { code, stderr } = await cli('apply', file);
    expect(code).toBe(2);
    expect(stderr).toContain(`${file}:2:1: unknown field "repositry" (did you mean "repository"?)`);
    expect((await cli('apply', join(directory, 'none.yaml'))).code).toBe(2);
  });

  it('freezes and unfreezes', async () => {
    expect((await cli('freeze', 'web')).stderr).toBe('The baseline of web is frozen; it is ready.\n');
    expect((await cli('show', 'web')).stdout).toMatch(/● ready \(frozen\)/);
    expect(JSON.parse((await cli('unfreeze', 'web', '--json')).stdout)).toMatchObject({ frozen: false });
  });
});
