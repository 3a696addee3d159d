import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../common/logger.ts';
import { Metrics } from '../common/metrics.ts';
import { Finding } from '../proto/generated/tallyman/v1/finding.ts';
import { type Item, UplinkServiceClient } from '../proto/generated/tallyman/v1/uplink.ts';
import { eventually } from '../test/support/eventually.ts';
import { type Collector, createCollector } from './collector.ts';
import type { CollectorConfigInput } from './config.ts';
import { unknownPapers } from './correlate/unknown-papers.ts';
import { runCollector } from './main.ts';
import type { Records } from './records/papers.ts';

let directory: string;
let closers: (() => unknown)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-collector-'));
  closers = [];
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(directory, { recursive: true, force: true });
});

const records: Records = {
  lookup: async (query) => ({ papers: unknownPapers(query, 'no registry in this test', Date.now()), sbom: undefined }),
  peek: () => undefined,
};

function config(change: Partial<CollectorConfigInput> = {}): CollectorConfigInput {
  return {
    dataDir: join(directory, 'data'),
    uplink: { listenAddress: '127.0.0.1:0' },
    http: { listenAddress: '127.0.0.1:0' },
    ...change,
  };
}

function create(change: Partial<CollectorConfigInput> = {}): Collector {
  const parts = { logger: silentLogger, metrics: new Metrics('collector'), records, environment: {} };
  const collector = createCollector(config(change), parts);
  closers.push(() => collector.close());
  return collector;
}

/** Sends one batch and waits for its acknowledgement. */
async function send(address: string, sequence: bigint, items: Item[]): Promise<void> {
  const client = new UplinkServiceClient(address, credentials.createInsecure());
  const call = client.connect();
  call.on('error', () => undefined);
  const acknowledged = new Promise<void>((resolve) =>
    call.on('data', ({ message }) => message?.$case === 'ack' && message.value.sequence >= sequence && resolve()),
  );
  const node = { name: 'node-1', bootId: '', kernelRelease: '6.18', architecture: '', osName: '' };
  call.write({
    message: { $case: 'hello', value: { protocolVersion: 1, agentId: 'a', epoch: 1n, agentVersion: '0', node } },
  });
  call.write({ message: { $case: 'batch', value: { sequence, items } } });
  await acknowledged;
  call.cancel();
  client.close();
}

const finding = (findingId: string): Item => ({
  item: {
    $case: 'finding',
    value: Finding.fromPartial({
      findingId,
      ruleId: 'exec-drift',
      ruleTitle: 'Program written at run time executed',
      severity: 4,
      summary: '/tmp/x was written at run time and then executed',
      event: { kind: 'exec', timeUnixNs: BigInt(Date.now()) * 1_000_000n, evidence: { $case: 'exec', value: {} } },
      processes: [{ executionId: 'b:1:2:3', pid: 7, executable: { path: '/tmp/x', layer: 2 }, argv: ['/tmp/x'] }],
      container: { id: 'c'.repeat(64), name: 'web', namespace: 'docker', image: { reference: 'app:1' }, state: 2 },
      attribution: 1,
      dataComplete: true,
    }),
  },
});

async function getJson(url: string): Promise<unknown> {
  return (await (await fetch(url)).json()) as unknown;
}

describe('a collector', () => {
  it('turns a finding into one alert, told to subscribers and by the API, also after it started again', async () => {
    const first = create();
    await first.start();
    const heard: string[] = [];
    first.subscribeAlerts((alert) => heard.push(alert.alertId));
    await send(first.address, 1n, [finding('f-1')]);
    await send(first.address, 1n, [finding('f-1')]);
    await eventually(() => expect(heard).toEqual(['f-1']));
    await first.close();

    const second = create();
    await second.start();
    await send(second.address, 1n, [finding('f-1')]);
    await send(second.address, 2n, [finding('f-1'), finding('f-2')]);
    const listed = () =>
      getJson(`${second.httpUrl}/api/v1/alerts`) as Promise<{ alerts: { id: string; type: string }[] }>;
    await eventually(async () => expect((await listed()).alerts).toHaveLength(2));
    expect((await listed()).alerts.map(({ id }) => id).sort()).toEqual(['f-1', 'f-2']);
    expect(await getJson(`${second.httpUrl}/api/v1/containers/web`)).toMatchObject({
      state: 'running',
      image: 'app:1',
    });
    await eventually(() => expect(second.status().inbox).toEqual({ items: 0, beingWorkedOn: 0 }));
    expect(second.status().nodes).toMatchObject([{ name: 'node-1', kernelRelease: '6.18', agentId: 'a' }]);
    const ready = await fetch(`${second.httpUrl}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { checks: { store: { state: 'ok' } } }]);
  });

  it('is ready without NATS and OTLP, and says that they are away', async () => {
    const collector = create({ nats: { url: 'nats://127.0.0.1:1' }, otlp: { endpoint: 'http://127.0.0.1:1' } });
    await collector.start();
    await send(collector.address, 1n, [finding('f-1')]);
    await eventually(() => {
      const { ready, checks } = collector.readiness.report();
      expect({ ready, nats: checks.nats?.state }).toEqual({ ready: true, nats: 'degraded' });
    });
    expect(collector.status().sinks.outboxAlerts).toBe(1);
  });

  it('exports traces of itself when asked to', async () => {
    const paths: string[] = [];
    const receiver = createServer((incoming, response) => {
      paths.push(incoming.url ?? '');
      incoming.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    closers.push(() => receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const collector = create({ selfTelemetryEndpoint: `http://127.0.0.1:${port}` });
    await collector.start();
    await send(collector.address, 1n, [finding('f-1')]);
    await eventually(() => expect(collector.status().inbox.items).toBe(0));
    await collector.close();
    expect(paths).toContain('/v1/traces');
  });
});

describe('a collector that cannot be started', () => {
  it.each<[string, Partial<CollectorConfigInput>, string]>([
    ['a key it does not know', { dataDirectory: 'x' } as never, 'dataDirectory'],
    ['a short token', { http: { token: 'short' } }, 'http.token'],
    ['an address without a port', { uplink: { listenAddress: 'localhost' } }, 'uplink.listenAddress'],
    ['a cluster that is two words of a NATS subject', { cluster: 'a.b' }, 'cluster'],
  ])('says so: %s', (_what, change, named) => {
    expect(() => create(change)).toThrow(named);
  });

  it.each<[string, Partial<CollectorConfigInput>, string]>([
    ['an open uplink', { uplink: { listenAddress: '0.0.0.0:0' } }, 'ingest-insecure'],
    ['an open API', { http: { listenAddress: '0.0.0.0:0' } }, 'http-insecure'],
    ['a policy that is not there', { policyFile: '/nonexistent/policy.yaml' }, 'policy-unreadable'],
  ])('has let go of everything it took: %s', async (_what, change, code) => {
    await expect(create(change).start()).rejects.toMatchObject({ code });
    const again = create();
    await again.start();
  });

  it('is told when its database is not one', async () => {
    writeFileSync(join(directory, 'data'), 'a file where the directory should be');
    await expect(create().start()).rejects.toMatchObject({ code: 'store-unwritable' });
  });
});

it('runs until it is told to stop', async () => {
  const stop = new AbortController();
  const parts = { logger: silentLogger, metrics: new Metrics('collector'), records, environment: {} };
  let url = '';
  await runCollector(config(), parts, stop.signal, (collector) => {
    url = collector.httpUrl;
    setImmediate(() => stop.abort());
  });
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});
