import { createHash } from 'node:crypto';
import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliverInventory } from '../../agent/inventory/deliver.ts';
import { createIngest, type Ingest } from '../../collector/ingest/server.ts';
import { InventoryReceiver } from '../../collector/inventory/receive.ts';
import type { InventoryWork } from '../../collector/store/store.ts';
import type { Inventory } from '../../common/inventory.ts';
import { InventoryEncoder } from '../../common/inventory-document/encode.ts';
import { sampleInventory } from '../../common/inventory-document/testing/sample-inventory.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import {
  DeliverInventoryRequest,
  DeliverInventoryResponse,
  InventoryServiceService,
} from '../../proto/generated/tallyman/v1/inventory.ts';

const asked = { requestId: 'r-1', imageDigest: `sha256:${'11'.repeat(32)}` };
const work: InventoryWork = {
  ...{ imageKey: asked.imageDigest, state: 'asked', agentId: 'a', requestId: 'r-1', attempts: 0, reason: '' },
  ...{ dueUnixMs: 0, changedUnixMs: 0 },
};
let ingest: Ingest;
let address: string;
let kept: Inventory[];
let failed: string[];

beforeEach(async () => {
  [kept, failed] = [[], []];
  const metrics = new Metrics('collector');
  const receiver = new InventoryReceiver({
    assigner: {
      workOf: ({ requestId, imageDigest }) =>
        requestId === asked.requestId && imageDigest === asked.imageDigest && kept.length === 0 ? work : undefined,
      received: () => undefined,
      failed: (_work, result, reason) => failed.push(`${result}: ${reason}`),
    },
    keep: async (_key, inventory) => {
      kept.push(inventory);
    },
    ...{ logger: silentLogger, metrics },
  });
  ingest = createIngest({
    ...{ listenAddress: '127.0.0.1:0', logger: silentLogger, metrics, receiveInventory: receiver.handle },
    store: { storeBatch: () => 0n, acknowledgedSequence: () => 0n, inboxSize: () => 0 },
  });
  address = await ingest.start();
});
afterEach(() => ingest.close());

const target = () => ({ address, credentials: ChannelCredentials.createInsecure() });

async function documentOf(inventory: Inventory): Promise<Buffer> {
  const encoder = new InventoryEncoder(inventory.layers);
  encoder.addFiles(inventory.files);
  return await encoder.finish({ ...inventory, files: [] });
}

/** Sends messages as they are; what the collector answers. */
function send(messages: DeliverInventoryRequest['message'][]): Promise<DeliverInventoryResponse | undefined> {
  const client = new Client(address, ChannelCredentials.createInsecure());
  return new Promise<DeliverInventoryResponse | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      InventoryServiceService.deliverInventory.path,
      (message: DeliverInventoryRequest) => Buffer.from(DeliverInventoryRequest.encode(message).finish()),
      (bytes: Buffer) => DeliverInventoryResponse.decode(bytes),
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
    for (const message of messages) call.write({ message });
    call.end();
  }).finally(() => client.close());
}

const start = { $case: 'start' as const, value: { ...asked, cannot: '' } };
const endOf = (document: Buffer) => ({
  $case: 'end' as const,
  value: { sha256: createHash('sha256').update(document).digest(), sizeBytes: BigInt(document.length) },
});

describe('delivery of inventories', () => {
  it('arrives as it was taken, also in many chunks', async () => {
    const sizes = Array.from({ length: 40_000 }, (_, number) => (number * 2_654_435_761) % 4_294_967_296);
    const files = sizes.map((sizeBytes, number) => ({
      ...(sampleInventory.files[2] as Inventory['files'][number]),
      path: `/usr/bin/${String(number).padStart(6, '0')}-${createHash('sha1').update(String(number)).digest('hex')}`,
      ...{ sizeBytes, declaredDigest: `md5:${createHash('md5').update(String(number)).digest('hex')}` },
    }));
    const document = await documentOf({ ...sampleInventory, files });
    expect(document.length).toBeGreaterThan(1024 * 1024);
    expect(await deliverInventory(target(), asked, { document })).toEqual({ accepted: true, reason: '' });
    expect(kept).toEqual([{ ...sampleInventory, files }]);
  });

  it('is kept and wanted again when its time was over before it was complete', async () => {
    const cut = { reader: 'tree', path: '/', code: 'timeout', reason: 'five minutes were over' };
    const document = await documentOf({ ...sampleInventory, problems: [cut] });
    expect(await deliverInventory(target(), asked, { document })).toMatchObject({ accepted: true });
    expect(kept).toHaveLength(1);
    expect(failed).toEqual(['timeout: it is not complete: five minutes were over']);
  });

  it('tells why there is none', async () => {
    await deliverInventory(target(), asked, { cannot: 'its root is btrfs' });
    expect(failed).toEqual(['cannot: its root is btrfs']);
  });

  it('is refused where nobody was asked, and nobody is blamed', async () => {
    const document = await documentOf(sampleInventory);
    const answer = await deliverInventory(target(), { ...asked, requestId: 'guessed' }, { document });
    expect(answer).toMatchObject({ accepted: false, reason: expect.stringContaining('was not asked for') });
    expect(await deliverInventory(target(), asked, { document })).toMatchObject({ accepted: true });
    expect(await deliverInventory(target(), asked, { document })).toMatchObject({ accepted: false });
    expect(failed).toEqual([]);
  });

  it('is refused with the reason when it is not what was sent', async () => {
    const document = await documentOf(sampleInventory);
    const end = endOf(document);
    const chunk = (bytes: Buffer) => ({ $case: 'chunk' as const, value: bytes });
    const large = Buffer.alloc(300 * 1024);
    const refusals: [DeliverInventoryRequest['message'][], string][] = [
      [[start, chunk(document.subarray(1)), end], 'checksum'],
      [[start, chunk(document)], 'ended before'],
      [[chunk(document), end], 'first message'],
      [[start, start], 'twice'],
      [[start, chunk(large)], '262144 bytes'],
      [[start, chunk(Buffer.from('no document')), endOf(Buffer.from('no document'))], 'cannot be read'],
      [[], 'ended before'],
    ];
    for (const [messages, reason] of refusals)
      expect(await send(messages)).toEqual({ accepted: false, reason: expect.stringContaining(reason) });
    expect(kept).toEqual([]);
    expect(failed.every((text) => text.startsWith('refused: '))).toBe(true);
  });
});
