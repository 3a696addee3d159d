import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import {
  type ConnectRequest,
  ConnectResponse,
  Item,
  UplinkServiceService,
} from '../../proto/generated/tallyman/v1/uplink.ts';
import { eventually } from '../../test/support/eventually.ts';
import { judgeSequence } from '../store/sequence.ts';
import { createIngest, type Ingest, type IngestOptions } from './server.ts';

const hello = {
  protocolVersion: 1,
  agentId: 'agent-1',
  epoch: 1n,
  agentVersion: '0.1.0',
  node: { name: 'node-1', bootId: '', kernelRelease: '', architecture: '', osName: '' },
};
const observation: Item = {
  item: {
    $case: 'observation',
    value: {
      containerId: 'c1',
      firstSeenUnixNs: 10n ** 18n,
      fact: { $case: 'executed', value: { executablePath: '/bin/a', argumentShape: '', layer: 0 } },
      origin: 0,
    },
  },
};

/** The acknowledging side of a store, without a disk. */
class MemoryStore {
  acknowledged = 0n;
  readonly items: Item[] = [];
  inboxSize = () => this.items.length;
  acknowledgedSequence = () => this.acknowledged;
  storeBatch = (_source: unknown, sequence: bigint, items: readonly Item[]) => {
    if (judgeSequence(this.acknowledged, sequence) === 'next') {
      this.acknowledged = sequence;
      this.items.push(...items);
    }
    return this.acknowledged;
  };
}

/** An agent that says what it is told to, right or wrong. */
class RawAgent {
  readonly responses: ConnectResponse[] = [];
  readonly ended: Promise<{ code: status; details: string }>;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, ConnectResponse>;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#call = this.#client.makeBidiStreamRequest(
      UplinkServiceService.connect.path,
      (bytes: Buffer) => bytes,
      (bytes) => ConnectResponse.decode(bytes),
    );
    this.#call.on('data', (response: ConnectResponse) => this.responses.push(response));
    this.ended = new Promise((resolve) => {
      this.#call.on('error', (error: ServiceError) => resolve({ code: error.code, details: error.details }));
      this.#call.on('end', () => setImmediate(() => resolve({ code: status.OK, details: '' })));
    });
  }

  say(message: ConnectRequest['message']): void {
    this.sayBytes(UplinkServiceService.connect.requestSerialize({ message }));
  }

  sayBytes(bytes: Uint8Array): void {
    this.#call.write(Buffer.from(bytes));
  }

  acks(): bigint[] {
    return this.responses.flatMap(({ message }) => (message?.$case === 'ack' ? [message.value.sequence] : []));
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

let store: MemoryStore;
let metrics: Metrics;
let closers: (() => unknown)[];

beforeEach(() => {
  store = new MemoryStore();
  metrics = new Metrics('collector');
  closers = [];
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
});

async function serve(change: Partial<IngestOptions> = {}): Promise<{ ingest: Ingest; address: string }> {
  const ingest = createIngest({ listenAddress: '127.0.0.1:0', store, logger: silentLogger, metrics, ...change });
  closers.push(() => ingest.close());
  return { ingest, address: await ingest.start() };
}

function agent(address: string): RawAgent {
  const raw = new RawAgent(address);
  closers.push(() => raw.close());
  return raw;
}

const metric = async (name: string): Promise<number> => {
  const text = await metrics.registry.metrics();
  const lines = text.split('\n').filter((line) => line.startsWith(`tallyman_collector_${name}`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

describe('what an agent says first', () => {
  it.each<[string, ConnectRequest['message'], string]>([
    ['no hello', { $case: 'batch', value: { sequence: 1n, items: [] } }, 'hello'],
    ['another version', { $case: 'hello', value: { ...hello, protocolVersion: 2 } }, 'protocol_version is 2'],
    ['no agent id', { $case: 'hello', value: { ...hello, agentId: '' } }, 'agent_id'],
    ['a hostile agent id', { $case: 'hello', value: { ...hello, agentId: 'a\n"b' } }, 'agent_id'],
    ['no epoch', { $case: 'hello', value: { ...hello, epoch: 0n } }, 'epoch'],
    ['an epoch no database holds', { $case: 'hello', value: { ...hello, epoch: 2n ** 63n } }, 'epoch'],
    ['no node', { $case: 'hello', value: { ...hello, node: undefined } }, 'node'],
    ['nothing', undefined, 'empty'],
  ])('is refused with a reason: %s', async (_what, message, reason) => {
    const { address } = await serve();
    const raw = agent(address);
    raw.say(message);
    const { code, details } = await raw.ended;
    expect(status[code]).toBe('INVALID_ARGUMENT');
    expect(details).toContain(reason);
  });

  it('is waited for, but not for ever', async () => {
    const { address } = await serve({ helloTimeoutMs: 20 });
    expect((await agent(address).ended).code).toBe(status.DEADLINE_EXCEEDED);
  });

  it('is refused twice', async () => {
    const { address } = await serve();
    const raw = agent(address);
    raw.say({ $case: 'hello', value: hello });
    raw.say({ $case: 'hello', value: hello });
    expect((await raw.ended).details).toContain('sent twice');
  });
});

describe('batches', () => {
  it('are acknowledged when stored; repeated ones again, without storing them', async () => {
    const { address } = await serve();
    const raw = agent(address);
    raw.say({ $case: 'hello', value: hello });
    for (const sequence of [1n, 2n, 1n, 2n, 3n]) raw.say({ $case: 'batch', value: { sequence, items: [observation] } });
    await eventually(() => expect(raw.acks()).toEqual([1n, 2n, 2n, 2n, 3n]));
    expect(store.items).toHaveLength(3);
    expect(await metric('ingest_batches_total{result="duplicate"}')).toBe(2);
  });

  it('that skip a number end the stream, so that the agent sends again from the acknowledged one', async () => {
    const { address } = await serve();
    const raw = agent(address);
    raw.say({ $case: 'hello', value: hello });
    raw.say({ $case: 'batch', value: { sequence: 2n, items: [observation] } });
    expect(await raw.ended).toEqual({ code: status.ABORTED, details: 'batch 2 is out of order: 1 is next' });
    expect(store.items).toEqual([]);
  });

  it.each([0n, 2n ** 63n])('numbered %s are refused', async (sequence) => {
    const { address } = await serve();
    const raw = agent(address);
    raw.say({ $case: 'hello', value: hello });
    raw.say({ $case: 'batch', value: { sequence, items: [] } });
    expect((await raw.ended).code).toBe(status.INVALID_ARGUMENT);
  });

  it('keep their good items when others cannot be decoded or are wrong, and tell of those', async () => {
    const { address } = await serve();
    const raw = agent(address);
    raw.say({ $case: 'hello', value: hello });
    const good = Item.encode(observation).finish();
    const noContainer = Item.encode({
      item: { $case: 'observation', value: { containerId: '', firstSeenUnixNs: 1n, origin: 0, fact: undefined } },
    }).finish();
    const writer = new BinaryWriter().uint32(18).fork().uint32(8).uint64(1n);
    for (const item of [good, new Uint8Array([0x12, 0x7f, 1]), noContainer, new Uint8Array(), good])
      writer.uint32(18).bytes(item);
    raw.sayBytes(writer.join().finish());
    await eventually(() => expect(raw.acks()).toEqual([1n]));
    const gaps = store.items.flatMap(({ item }) => (item?.$case === 'gap' ? [item.value] : []));
    expect(store.items).toHaveLength(2 + 3);
    expect(gaps.map(({ hop, type, count }) => [hop, type, count])).toEqual([
      ['ingest', 'unknown', 1n],
      ['ingest', 'observation', 1n],
      ['ingest', 'unknown', 1n],
    ]);
    expect(await metric('ingest_items_refused_total')).toBe(3);
    expect(await metric('ingest_items_total')).toBe(2);
  });

  it('that are no message at all end the stream and nothing else', async () => {
    const { address } = await serve();
    const [bad, good] = [agent(address), agent(address)];
    good.say({ $case: 'hello', value: { ...hello, agentId: 'good' } });
    bad.sayBytes(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
    expect((await bad.ended).code).toBe(status.INVALID_ARGUMENT);
    good.say({ $case: 'batch', value: { sequence: 1n, items: [observation] } });
    await eventually(() => expect(good.acks()).toEqual([1n]));
  });

  it('larger than the limit end the stream', async () => {
    const { address } = await serve();
    const raw = agent(address);
    raw.sayBytes(new Uint8Array(4 * 1024 * 1024 + 1));
    expect((await raw.ended).code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe('many agents', () => {
  it('are bounded', async () => {
    const { ingest, address } = await serve({ maxAgents: 1 });
    const first = agent(address);
    first.say({ $case: 'hello', value: hello });
    await eventually(() => expect(ingest.agents()).toHaveLength(1));
    const second = agent(address);
    second.say({ $case: 'hello', value: { ...hello, agentId: 'agent-2' } });
    expect((await second.ended).code).toBe(status.RESOURCE_EXHAUSTED);
    first.close();
    await eventually(() => expect(ingest.agents()).toHaveLength(0));
  });

  it('that come back before the old stream is gone take over', async () => {
    const { ingest, address } = await serve();
    const before = agent(address);
    before.say({ $case: 'hello', value: hello });
    await eventually(() => expect(before.responses).toHaveLength(1));
    const after = agent(address);
    after.say({ $case: 'hello', value: { ...hello, epoch: 2n } });
    expect((await before.ended).code).toBe(status.ABORTED);
    after.say({ $case: 'batch', value: { sequence: 1n, items: [] } });
    await eventually(() => expect(after.acks()).toEqual([1n]));
    expect(ingest.agents()).toHaveLength(1);
  });
});

describe('the address', () => {
  it.each(['0.0.0.0:0', '[::]:0'])('%s is refused for plain text', async (listenAddress) => {
    await expect(serve({ listenAddress })).rejects.toMatchObject({ code: 'ingest-insecure' });
  });

  it('is allowed beyond loopback when asked for', async () => {
    const { address } = await serve({ listenAddress: '0.0.0.0:0', insecureUplink: true });
    expect(address).toMatch(/^0\.0\.0\.0:\d+$/);
  });

  it('that is taken is an error that says so', async () => {
    const { address } = await serve();
    metrics = new Metrics('collector');
    await expect(serve({ listenAddress: address })).rejects.toMatchObject({ code: 'ingest-listen-failed' });
  });
});
