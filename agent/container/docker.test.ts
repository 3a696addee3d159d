import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Backoff } from '../../common/backoff.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { type Container, ContainerState } from './container.ts';
import { DockerRuntime, type DockerRuntimeOptions } from './docker.ts';
import type { RuntimeSink } from './runtime.ts';

const a = 'a1'.repeat(32);
const b = 'b2'.repeat(32);

/** The few answers of a Docker daemon that the runtime asks for. */
class DockerStandIn {
  readonly socketPath = join(mkdtempSync(join(tmpdir(), 'tallyman-docker-')), 'docker.sock');
  readonly containers = new Map<string, object>();
  readonly streams = new Set<ServerResponse>();
  readonly requests: string[] = [];
  /** Paths that are never answered. */
  readonly silent = new Set<string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://docker');
      this.requests.push(`${url.pathname}${url.search}`);
      if (!this.silent.has(url.pathname)) this.#answer(url.pathname, response);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.socketPath, resolve));
  }

  run(id: string, status = 'running', fields: object = {}): void {
    const state = { Status: status, Pid: 7, StartedAt: '2026-11-23T12:00:00Z', FinishedAt: '0001-01-01T00:00:00Z' };
    const config = { Image: 'acme/app:1', Labels: {}, User: '' };
    this.containers.set(id, {
      ...{ Id: id, Name: '/app', Image: 'sha256:77', State: state, Config: config, HostConfig: {}, ...fields },
    });
  }

  event(action: string, id: string, timeNano: bigint, attributes: object = { image: 'acme/app:1', name: 'app' }): void {
    const actor = JSON.stringify({ ID: id, Attributes: attributes });
    this.write(`{"Type":"container","Action":"${action}","Actor":${actor},"timeNano":${timeNano}}\n`);
  }

  write(text: string): void {
    for (const stream of this.streams) stream.write(text);
  }

  hangUp(): void {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(join(this.socketPath, '..'), { recursive: true });
  }

  #answer(path: string, response: ServerResponse): void {
    if (path === '/events') {
      response.flushHeaders();
      this.streams.add(response);
    } else if (path === '/version') response.end('{"Version":"20.10.24","ApiVersion":"1.41"}');
    else if (path === '/containers/json')
      response.end(JSON.stringify([...this.containers.keys()].map((Id) => ({ Id }))));
    else if (path.startsWith('/images/'))
      response.end('{"Id":"sha256:77","RepoDigests":[],"Os":"linux","Architecture":"amd64"}');
    else {
      const container = this.containers.get(path.split('/')[2] ?? '');
      response.statusCode = container === undefined ? 404 : 200;
      response.end(JSON.stringify(container ?? { message: 'No such container' }));
    }
  }
}

let docker: DockerStandIn;
let runtime: DockerRuntime;
let told: [string, Container][];
let metrics: Metrics;
const sink: RuntimeSink = {
  inspected: (container) => told.push(['inspected', container]),
  described: (container) => told.push(['described', container]),
  renamed: (id, name) => told.push([`renamed ${name}`, { id } as Container]),
  livingIds: () => [b],
};

async function started(options: Partial<DockerRuntimeOptions> = {}): Promise<void> {
  runtime = new DockerRuntime({
    ...{ socketPath: docker.socketPath, logger: silentLogger, metrics, probe: () => undefined },
    backoff: new Backoff({ initialMs: 5, maxMs: 20 }),
    ...options,
  });
  await runtime.start(sink);
}

async function until(probe: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !probe(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(probe()).toBe(true);
}

function streamRequests(): string[] {
  return docker.requests.filter((path) => path.startsWith('/events'));
}

async function count(name: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(`tallyman_agent_${name}`)?.get();
  return metric?.values[0]?.value ?? 0;
}

beforeEach(async () => {
  docker = new DockerStandIn();
  await docker.listen();
  told = [];
  metrics = new Metrics('agent');
});

afterEach(async () => {
  await runtime.close();
  await docker.close();
});

describe('DockerRuntime', () => {
  it('lists what runs, and confirms the end of what is believed to run', async () => {
    docker.run(a);
    await started();
    expect(told).toHaveLength(2);
    expect(told).toContainEqual(['inspected', expect.objectContaining({ id: a, state: ContainerState.RUNNING })]);
    expect(told).toContainEqual(['described', expect.objectContaining({ id: b, state: ContainerState.EXITED })]);
    expect(runtime.status()).toEqual({
      name: 'docker',
      present: true,
      connected: true,
      version: '20.10.24 (API 1.41)',
      reason: '',
    });
  });

  it('uses what the event says of a container that is gone when it asks', async () => {
    await started();
    told.length = 0;
    docker.event('create', a, 10n, { image: 'acme/app:1', name: 'short', tier: 'web' });
    docker.event('start', a, 11n, { image: 'acme/app:1', name: 'short', tier: 'web' });
    docker.event('die', a, 12n, { image: 'acme/app:1', name: 'short', exitCode: '0' });
    await until(() => told.length === 3);
    expect(told.map(([how, { state }]) => [how, state])).toEqual([
      ['described', ContainerState.CREATED],
      ['described', ContainerState.RUNNING],
      ['described', ContainerState.EXITED],
    ]);
    expect(told[0]?.[1]).toMatchObject({ name: 'short', labels: { tier: 'web' }, image: { reference: 'acme/app:1' } });
    expect(told[0]?.[1].posture?.unknownFields.length).toBeGreaterThan(10);
  });

  it('uses what the event says when Docker does not answer in time', async () => {
    await started({ requestTimeoutMs: 50 });
    told.length = 0;
    docker.silent.add(`/containers/${a}/json`);
    docker.event('start', a, 10n);
    await until(() => told.length === 1);
    expect(told[0]).toMatchObject(['described', { id: a, state: ContainerState.RUNNING }]);
    await expect(runtime.inspect(a)).rejects.toMatchObject({ code: 'docker-unreachable' });
  });

  it('keeps the events of one container in order and asks once for the same thing at the same time', async () => {
    await started();
    told.length = 0;
    docker.requests.length = 0;
    docker.run(a);
    await Promise.all([runtime.inspect(a), runtime.inspect(a), runtime.inspect(a)]);
    expect(docker.requests.filter((request) => request.includes(a))).toHaveLength(1);
    docker.event('create', a, 10n);
    docker.event('die', a, 12n);
    docker.event('rename', a, 13n, { name: 'later', oldName: '/app' });
    await until(() => told.length === 3);
    expect(told.map(([how]) => how)).toEqual(['inspected', 'described', 'renamed later']);
  });

  it('does not ask Docker for ids that cannot be its own', async () => {
    await started();
    docker.requests.length = 0;
    expect(await runtime.inspect('../../images/json')).toBeUndefined();
    expect(await runtime.inspect('1a2b3c4d-0001-0002-0003-0004')).toBeUndefined();
    expect(docker.requests).toEqual([]);
  });

  it('reconnects with the time of the last event and drops what is repeated', async () => {
    await started();
    told.length = 0;
    docker.event('die', a, 1_795_438_281_766_453_464n);
    await until(() => told.length === 1);
    docker.hangUp();
    await until(() => streamRequests().length === 2 && runtime.status().connected);
    expect(streamRequests().at(-1)).toContain('since=1795438281.766453464');
    told.length = 0;
    docker.event('die', a, 1_795_438_281_766_453_464n);
    docker.event('destroy', a, 1_795_438_281_766_453_464n);
    await until(() => told.length === 1);
    expect(told[0]).toMatchObject(['described', { state: ContainerState.EXITED }]);
  });

  it('takes events in any pieces, and counts lines that are none', async () => {
    await started();
    told.length = 0;
    docker.write('not json\n\n{"Type":"container"}\n');
    const event = `{"Type":"container","Action":"die","Actor":{"ID":"${a}","Attributes":{"name":"ü"}},"timeNano":5}\n`;
    const bytes = Buffer.from(event);
    for (const stream of docker.streams) {
      for (const byte of bytes) {
        stream.write(Buffer.from([byte]));
        if (byte > 127) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    await until(() => told.length === 1);
    expect(told[0]?.[1].name).toBe('ü');
    expect(await count('docker_events_malformed_total')).toBe(2);
  });

  it('hangs up on an event without end', async () => {
    await started();
    for (let i = 0; i < 20; i++) docker.write('x'.repeat(100_000));
    await until(() => streamRequests().length === 2 && runtime.status().connected);
  });

  it('makes up by a list for events it had no room for', async () => {
    await started({ maxWaitingEvents: 2 });
    docker.run(a);
    docker.requests.length = 0;
    const burst = Array.from({ length: 20 }, (_, i) => i.toString(16).padStart(64, '0'));
    for (const [i, id] of burst.entries()) docker.event('create', id, BigInt(100 + i));
    await until(() => docker.requests.some((path) => path.startsWith('/containers/json')));
    expect(await count('docker_events_dropped_total')).toBeGreaterThan(0);
    await until(() => told.some(([how, container]) => how === 'inspected' && container.id === a));
  });
});
