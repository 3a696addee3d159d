import { CodedError } from '../../common/errors.ts';

/**
 * A reader of BTF type information, as much of it as layouts and constants need.
 * @see https://docs.kernel.org/bpf/btf.html
 */
export interface BtfMember {
  name: string;
  typeId: number;
  bitOffset: number;
}

export interface BtfType {
  id: number;
  kind: number;
  name: string;
  /** Bytes, for sized kinds; the referenced type's id otherwise. */
  sizeOrType: number;
  members: BtfMember[];
  array?: { elementTypeId: number; length: number };
  enumerators?: { name: string; value: number }[];
  variables?: { typeId: number; offset: number; size: number }[];
  encoding?: number;
}

export const BtfKind = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

const maxTypes = 1_000_000;

const kindsWithoutDetail: ReadonlySet<number> = new Set([
  BtfKind.pointer,
  BtfKind.forward,
  BtfKind.typedef,
  BtfKind.volatile,
  BtfKind.const,
  BtfKind.restrict,
  BtfKind.function,
  BtfKind.float,
  BtfKind.typeTag,
]);

export class Btf {
  readonly types: readonly BtfType[];
  readonly #byName = new Map<string, BtfType>();

  private constructor(types: BtfType[]) {
    this.types = types;
    for (const type of types) if (type.name !== '') this.#byName.set(`${type.kind}:${type.name}`, type);
  }

  /** @throws {CodedError} BTF_INVALID when the bytes are no BTF of version 1. */
  static parse(bytes: Uint8Array): Btf {
    try {
      return new Btf(parseTypes(bytes));
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new CodedError('BTF_INVALID', 'the type information (BTF) cannot be read', { cause });
    }
  }

  find(kind: number, name: string): BtfType | undefined {
    return this.#byName.get(`${kind}:${name}`);
  }

  /** The type behind typedefs, const, volatile and the like. */
  resolve(typeId: number): BtfType {
    let type = this.#get(typeId);
    for (let depth = 0; depth < 32 && isAlias(type.kind); depth++) type = this.#get(type.sizeOrType);
    return type;
  }

  #get(typeId: number): BtfType {
    const type = this.types[typeId];
    if (type === undefined)
      throw new CodedError('BTF_INVALID', `type information refers to type ${typeId}, which does not exist`);
    return type;
  }
}

function isAlias(kind: number): boolean {
  return (
    kind === BtfKind.typedef ||
    kind === BtfKind.volatile ||
    kind === BtfKind.const ||
    kind === BtfKind.restrict ||
    kind === BtfKind.typeTag
  );
}

const voidType: BtfType = { id: 0, kind: 0, name: '', sizeOrType: 0, members: [] };

/** Magic number to str_len: what version 1 has always had. Newer kernels and compilers append fields to the header. */
const minHeaderBytes = 24;

/** The parts of the file; readers of either cannot leave it. */
interface Sections {
  types: DataView;
  strings: Uint8Array;
}

function parseHeader(bytes: Uint8Array): Sections {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0, true) !== 0xeb9f) throw new RangeError('no BTF magic number');
  const version = view.getUint8(2);
  if (version !== 1) throw new RangeError(`BTF version ${version}`);
  const headerBytes = view.getUint32(4, true);
  if (headerBytes < minHeaderBytes || headerBytes > bytes.byteLength)
    throw new RangeError(`a header of ${headerBytes} bytes in ${bytes.byteLength}`);
  // Sections are counted from the end of the header, however long it is.
  const section = (fieldAt: number): Uint8Array => {
    const start = headerBytes + view.getUint32(fieldAt, true);
    const end = start + view.getUint32(fieldAt + 4, true);
    if (end > bytes.byteLength) throw new RangeError(`a section ends at ${end} of ${bytes.byteLength} bytes`);
    return bytes.subarray(start, end);
  };
  const types = section(8);
  return { types: new DataView(types.buffer, types.byteOffset, types.byteLength), strings: section(16) };
}

function parseTypes(bytes: Uint8Array): BtfType[] {
  const { types: view, strings } = parseHeader(bytes);
  const readName = (offset: number): string => {
    const end = strings.indexOf(0, offset);
    if (end < 0) throw new RangeError(`a name at ${offset} of ${strings.byteLength} bytes has no end`);
    return Buffer.from(strings.subarray(offset, end)).toString('latin1');
  };
  const types: BtfType[] = [voidType];
  for (let at = 0; at < view.byteLength; ) {
    if (types.length > maxTypes) throw new RangeError('too many types');
    at = parseType(view, at, types, readName);
    if (at > view.byteLength) throw new RangeError('the last type is cut');
  }
  return types;
}

function parseType(view: DataView, at: number, types: BtfType[], readName: (offset: number) => string): number {
  const info = view.getUint32(at + 4, true);
  const type: BtfType = {
    id: types.length,
    kind: (info >>> 24) & 0x1f,
    name: readName(view.getUint32(at, true)),
    sizeOrType: view.getUint32(at + 8, true),
    members: [],
  };
  types.push(type);
  return parseDetail(view, at + 12, type, info, readName);
}

function parseDetail(
  view: DataView,
  at: number,
  type: BtfType,
  info: number,
  readName: (offset: number) => string,
): number {
  const count = info & 0xffff;
  const bitfields = info >>> 31 === 1;
  switch (type.kind) {
    case BtfKind.int:
      type.encoding = (view.getUint32(at, true) >>> 24) & 0x0f;
      return at + 4;
    case BtfKind.array:
      type.array = { elementTypeId: view.getUint32(at, true), length: view.getUint32(at + 8, true) };
      return at + 12;
    case BtfKind.struct:
    case BtfKind.union:
      for (let index = 0; index < count; index++, at += 12) {
        const offset = view.getUint32(at + 8, true);
        type.members.push({
          name: readName(view.getUint32(at, true)),
          typeId: view.getUint32(at + 4, true),
          bitOffset: bitfields ? offset & 0xffffff : offset,
        });
      }
      return at;
    case BtfKind.enum:
      type.enumerators = [];
      for (let index = 0; index < count; index++, at += 8)
        type.enumerators.push({ name: readName(view.getUint32(at, true)), value: view.getInt32(at + 4, true) });
      return at;
    case BtfKind.datasec:
      type.variables = [];
      for (let index = 0; index < count; index++, at += 12)
        type.variables.push({
          typeId: view.getUint32(at, true),
          offset: view.getUint32(at + 4, true),
          size: view.getUint32(at + 8, true),
        });
      return at;
    default:
      return at + detailBytes(type.kind, count);
  }
}

function detailBytes(kind: number, count: number): number {
  if (kind === BtfKind.funcProto) return count * 8;
  if (kind === BtfKind.var || kind === BtfKind.declTag) return 4;
  if (kind === BtfKind.enum64) return count * 12;
  if (kindsWithoutDetail.has(kind)) return 0;
  // How long it is cannot be known, so nothing behind it can be read.
  throw new RangeError(`a type of kind ${kind}`);
}
