import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Hello, Item } from '../../proto/generated/tallyman/v1/uplink.ts';

/** An item as it arrived, or why its bytes are no item. */
export type DecodedItem = { item: Item } | { malformed: string };

export type DecodedRequest =
  | { kind: 'hello'; hello: Hello }
  | { kind: 'batch'; sequence: bigint; items: DecodedItem[] }
  | { kind: 'malformed'; reason: string };

const helloField = 1;
const batchField = 2;
const sequenceField = 1;
const itemsField = 2;

/**
 * Decodes a ConnectRequest (proto/tallyman/v1/uplink.proto) item by item. The generated decoder fails a whole message over
 * one bad item; the agent would send the same batch for ever, and nothing behind it would arrive.
 */
export function decodeRequest(bytes: Uint8Array): DecodedRequest {
  try {
    let request: DecodedRequest = { kind: 'malformed', reason: 'the message is empty' };
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === helloField && wireType === WireType.LengthDelimited)
        request = { kind: 'hello', hello: Hello.decode(reader.bytes()) };
      else if (field === batchField && wireType === WireType.LengthDelimited) request = decodeBatch(reader.bytes());
      else reader.skip(wireType, field);
    }
    return request;
  } catch (thrown) {
    return { kind: 'malformed', reason: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function decodeBatch(bytes: Uint8Array): DecodedRequest {
  const reader = new BinaryReader(bytes);
  const items: DecodedItem[] = [];
  let sequence = 0n;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === sequenceField && wireType === WireType.Varint) sequence = BigInt(reader.uint64());
    else if (field === itemsField && wireType === WireType.LengthDelimited) items.push(decodeItem(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return { kind: 'batch', sequence, items };
}

function decodeItem(bytes: Uint8Array): DecodedItem {
  try {
    return { item: Item.decode(bytes) };
  } catch (thrown) {
    return { malformed: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}
