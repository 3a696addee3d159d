import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UplinkConnection } from '../../agent/uplink/connection.ts';
import { BaselinePush } from '../../collector/baseline/push.ts';
import { LearningLab, nodeName } from '../../collector/baseline/testing/learning-lab.ts';
import { createIngest, type Ingest } from '../../collector/ingest/server.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { type BaselineUpdate, BaselineState as State } from '../../proto/generated/tallyman/v1/baseline.ts';
import { Hello, UplinkServiceService } from '../../proto/generated/tallyman/v1/uplink.ts';
import { eventually } from '../support/eventually.ts';

const hello = Hello.fromPartial({ protocolVersion: 1, agentId: 'agent-1', epoch: 1n, node: { name: nodeName } });
let directory: string;
let lab: LearningLab;
let ingest: Ingest;
let address: string;
let closers: (() => unknown)[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-push-'));
  lab = new LearningLab(directory);
  const send = (agentId: string, update: BaselineUpdate) => ingest.tellBaselines(agentId, update);
  const push = new BaselinePush({ baselines: lab.baselines, send, debounceMs: 20 });
  ingest = createIngest({
    ...{ listenAddress: '127.0.0.1:0', store: lab.store, ...push.events },
    ...{ logger: silentLogger, metrics: new Metrics('collector') },
  });
  address = await ingest.start();
  closers = [() => lab.store.close(), () => ingest.close(), () => push.close()];
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(directory, { recursive: true, force: true });
});

/** The agent's own connection; what it was told, in order. */
function connect(change: Parameters<typeof Hello.fromPartial>[0] = {}) {
  const updates: BaselineUpdate[] = [];
  const options = { address, credentials: credentials.createInsecure(), welcomeTimeoutMs: 5_000 };
  const connection = new UplinkConnection(
    { ...options, hello: Hello.fromPartial({ ...hello, ...change }) },
    {
      welcome: () => undefined,
      ack: () => undefined,
      closed: () => undefined,
      baselines: (one) => updates.push(one),
      inventory: () => undefined,
      undecodable: (reason) => expect.fail(reason),
    },
  );
  closers.push(() => connection.close());
  const told = () => updates.flatMap(({ baselines }) => baselines);
  return { connection, updates, told };
}

function learn(): void {
  lab.run('c1');
  lab.executed('c1', '/bin/app');
  lab.pass(600);
  lab.pass(600);
}

function programLine(path: string) {
  return { path, parentPath: '*', argumentShapes: [] };
}

describe('baselines on the uplink', () => {
  it('come after the welcome, with the lines once they are ready, and again on every new stream', async () => {
    lab.run('c1');
    lab.executed('c1', '/bin/app');
    const first = connect();
    await eventually(() => expect(first.told()).toHaveLength(1));
    expect(first.told()[0]).toMatchObject({ state: State.LEARNING, executables: [] });
    lab.pass(600);
    lab.pass(600);
    await eventually(() => expect(first.told()).toHaveLength(2));
    expect(first.told()[1]).toMatchObject({
      ...{ state: State.READY, key: { repository: 'docker.io/shop/web' } },
      executables: [{ path: '/bin/app' }],
    });
    first.connection.close();
    const second = connect();
    await eventually(() => expect(second.told()).toMatchObject([{ state: State.READY }]));
  });

  it('come when a container with another key appears, and go when the last one ended', async () => {
    const agent = connect();
    await eventually(() => expect(ingest.agents()).toHaveLength(1));
    learn();
    await eventually(() => expect(agent.told().at(-1)).toMatchObject({ state: State.READY }));
    lab.stop('c1');
    await eventually(() => expect(agent.updates.at(-1)?.removed).toEqual([lab.head().key]));
  });

  it('come when people change one, and only to the nodes that run it', async () => {
    learn();
    const agent = connect();
    const stranger = connect({ agentId: 'agent-2', node: { name: 'node-2' } });
    await eventually(() => expect(agent.told()).toHaveLength(1));
    const { key, id } = lab.head();
    const executables = [programLine('/bin/other')];
    const content = { executables, destinations: [], listens: [], capabilities: [] };
    lab.baselines.apply({ key, content, frozen: true, baseVersion: lab.baselines.versionOf(id) });
    await eventually(() => expect(agent.told().at(-1)).toMatchObject({ frozen: true, executables }));
    expect(stranger.updates).toEqual([]);
  });

  it('do not pile up for an agent that does not read, and arrive when it does', async () => {
    const client = new Client(address, credentials.createInsecure());
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
      ...([UplinkServiceService.connect.path, asIs, asIs] as const),
    );
    call.on('error', () => undefined);
    closers.push(
      () => client.close(),
      () => call.cancel(),
    );
    call.write(
      Buffer.from(UplinkServiceService.connect.requestSerialize({ message: { $case: 'hello', value: hello } })),
    );
    await eventually(() => expect(ingest.agents()).toHaveLength(1));
    for (let n = 0; n < 20; n++) {
      lab.run(`c${n}`, { image: { reference: `shop/web-${n}`, configDigest: `sha256:${n}` } });
      const { key } = lab.head(`sha256:${n}`);
      const executables = Array.from({ length: 380 }, (_, line) => programLine(`/${'x'.repeat(900)}/${line}`));
      const content = { executables, destinations: [], listens: [], capabilities: [] };
      lab.baselines.apply({ key, content, frozen: false, baseVersion: undefined });
    }
    await eventually(() => expect(ingest.tellBaselines('agent-1', { baselines: [], removed: [] })).toBe('blocked'));
    const ready = new Set<string>();
    call.on('data', (bytes: Buffer) => {
      const { message } = UplinkServiceService.connect.responseDeserialize(bytes);
      if (message?.$case !== 'baselineUpdate') return;
      expect(bytes.length).toBeLessThan(1024 * 1024);
      for (const one of message.value.baselines) if (one.executables.length > 0) ready.add(one.key?.imageDigest ?? '');
    });
    await eventually(() => expect(ready.size).toBe(20));
  });
});
