import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * Reads the wire form of OTLP's trace and log messages, https://opentelemetry.io/docs/specs/otlp/ (protocol 1.x), by
 * field number. Strict on purpose: an unknown field, a wrong wire type, an id of a wrong length or bytes left over are
 * errors, so that what a lenient backend would forgive shows in a test.
 */
type Kind = 'string' | 'bytes' | 'uint32' | 'enum' | 'int64' | 'bool' | 'double' | 'fixed32' | 'fixed64';

interface Field {
  name: string;
  kind: Kind | (() => Message);
  repeated?: boolean;
}

type Message = ReadonlyMap<number, Field>;

export type Decoded = { [name: string]: unknown };

const one = (name: string, kind: Field['kind']): Field => ({ name, kind });
const many = (name: string, kind: Field['kind']): Field => ({ name, kind, repeated: true });
const message = (fields: Record<number, Field>): Message =>
  new Map(Object.entries(fields).map(([number, field]) => [Number(number), field]));

const anyValue: Message = message({
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
  5: one('arrayValue', () => arrayValue),
  6: one('kvlistValue', () => keyValueList),
  7: one('bytesValue', 'bytes'),
});
const arrayValue: Message = message({ 1: many('values', () => anyValue) });
const keyValueList: Message = message({ 1: many('values', () => keyValue) });
const keyValue: Message = message({ 1: one('key', 'string'), 2: one('value', () => anyValue) });
const attributes = many('attributes', () => keyValue);
const dropped = one('droppedAttributesCount', 'uint32');

const resource: Message = message({ 1: attributes, 2: dropped });
const scope: Message = message({ 1: one('name', 'string'), 2: one('version', 'string'), 3: attributes, 4: dropped });

const link: Message = message({
  1: one('traceId', 'bytes'),
  2: one('spanId', 'bytes'),
  3: one('traceState', 'string'),
  4: attributes,
  5: dropped,
  6: one('flags', 'fixed32'),
});
const spanEvent: Message = message({
  1: one('timeUnixNano', 'fixed64'),
  2: one('name', 'string'),
  3: attributes,
  4: dropped,
});
const status: Message = message({ 2: one('message', 'string'), 3: one('code', 'enum') });
const span: Message = message({
  1: one('traceId', 'bytes'),
  2: one('spanId', 'bytes'),
  3: one('traceState', 'string'),
  4: one('parentSpanId', 'bytes'),
  5: one('name', 'string'),
  6: one('kind', 'enum'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: attributes,
  10: dropped,
  11: many('events', () => spanEvent),
  12: one('droppedEventsCount', 'uint32'),
  13: many('links', () => link),
  14: one('droppedLinksCount', 'uint32'),
  15: one('status', () => status),
  16: one('flags', 'fixed32'),
});
const scopeSpans: Message = message({
  1: one('scope', () => scope),
  2: many('spans', () => span),
  3: one('schemaUrl', 'string'),
});
const resourceSpans: Message = message({
  1: one('resource', () => resource),
  2: many('scopeSpans', () => scopeSpans),
  3: one('schemaUrl', 'string'),
});

const logRecord: Message = message({
  1: one('timeUnixNano', 'fixed64'),
  2: one('severityNumber', 'enum'),
  3: one('severityText', 'string'),
  5: one('body', () => anyValue),
  6: attributes,
  7: dropped,
  8: one('flags', 'fixed32'),
  9: one('traceId', 'bytes'),
  10: one('spanId', 'bytes'),
  11: one('observedTimeUnixNano', 'fixed64'),
  12: one('eventName', 'string'),
});
const scopeLogs: Message = message({
  1: one('scope', () => scope),
  2: many('logRecords', () => logRecord),
  3: one('schemaUrl', 'string'),
});
const resourceLogs: Message = message({
  1: one('resource', () => resource),
  2: many('scopeLogs', () => scopeLogs),
  3: one('schemaUrl', 'string'),
});

/** ExportTraceServiceRequest; repeated fields are always there. @throws Error on anything that is not exactly one. */
export function decodeTraceRequest(bytes: Uint8Array): Decoded {
  return decode(bytes, message({ 1: many('resourceSpans', () => resourceSpans) }), 0);
}

/** ExportLogsServiceRequest. @throws Error on anything that is not exactly one. */
export function decodeLogsRequest(bytes: Uint8Array): Decoded {
  return decode(bytes, message({ 1: many('resourceLogs', () => resourceLogs) }), 0);
}

const maxDepth = 32;

function decode(bytes: Uint8Array, fields: Message, depth: number): Decoded {
  if (depth > maxDepth) throw new Error('nested too deeply');
  const decoded: Decoded = {};
  for (const field of fields.values()) if (field.repeated) decoded[field.name] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) throw new Error(`field ${number} is not part of the message`);
    const value = read(reader, field, wireType, depth);
    if (field.repeated) (decoded[field.name] as unknown[]).push(value);
    else decoded[field.name] = value;
  }
  return decoded;
}

const wireTypes: Record<Kind, WireType> = {
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  uint32: WireType.Varint,
  enum: WireType.Varint,
  int64: WireType.Varint,
  bool: WireType.Varint,
  double: WireType.Bit64,
  fixed32: WireType.Bit32,
  fixed64: WireType.Bit64,
};

function read(reader: BinaryReader, { name, kind }: Field, wireType: WireType, depth: number): unknown {
  const expected = typeof kind === 'function' ? WireType.LengthDelimited : wireTypes[kind];
  if (wireType !== expected) throw new Error(`${name} has wire type ${wireType} instead of ${expected}`);
  if (typeof kind === 'function') return decode(reader.bytes(), kind(), depth + 1);
  switch (kind) {
    case 'string':
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(reader.bytes());
    case 'bytes':
      return Buffer.from(reader.bytes());
    case 'uint32':
      return reader.uint32();
    case 'enum':
      return reader.int32();
    case 'int64':
      return BigInt(reader.int64());
    case 'bool':
      return reader.bool();
    case 'double':
      return reader.double();
    case 'fixed32':
      return reader.fixed32();
    case 'fixed64':
      return BigInt(reader.fixed64());
  }
}
