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
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  funcProto: 13,
  var: 14,
  datasec: 15,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

const maxTypes = 1_000_000;

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

function parseTypes(bytes: Uint8Array): BtfType[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0, true) !== 0xeb9f) throw new RangeError('no BTF magic number');
  // The header says its own length: newer kernels write longer ones.
  const headerLength = view.getUint32(4, true);
  const typesStart = headerLength + view.getUint32(8, true);
  const typesEnd = typesStart + view.getUint32(12, true);
  const stringsStart = headerLength + view.getUint32(16, true);
  const readName = (offset: number): string => {
    const start = stringsStart + offset;
    const end = bytes.indexOf(0, start);
    return Buffer.from(bytes.subarray(start, end < 0 ? start : end)).toString('latin1');
  };
  const types: BtfType[] = [voidType];
  for (let at = typesStart; at < typesEnd; ) {
    if (types.length > maxTypes) throw new RangeError('too many types');
    at = parseType(view, at, types, readName);
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
  return 0;
}
