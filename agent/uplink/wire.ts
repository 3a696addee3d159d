import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ConnectRequest, type Hello, Item } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { UplinkItem } from './sender.ts';

const batchField = 2;
const sequenceField = 1;
const itemsField = 2;

/** An item is encoded once, when it is sent: what waits are bytes of a known size, and a batch is put together from them. */
export function encodeItem(item: UplinkItem): Uint8Array {
  return Item.encode({ item }).finish();
}

export function encodeHello(hello: Hello): Buffer {
  return Buffer.from(ConnectRequest.encode({ message: { $case: 'hello', value: hello } }).finish());
}

/** A ConnectRequest with a batch of encoded items; the same bytes the generated encoder makes. */
export function encodeBatch(sequence: bigint, items: readonly Uint8Array[]): Buffer {
  const writer = new BinaryWriter().tag(batchField, WireType.LengthDelimited).fork();
  writer.tag(sequenceField, WireType.Varint).uint64(sequence);
  for (const item of items) writer.tag(itemsField, WireType.LengthDelimited).bytes(item);
  return Buffer.from(writer.join().finish());
}
