import { CodedError } from '../../common/errors.ts';
import { type Btf, BtfKind, type BtfType } from './btf.ts';

/** How a field is stored. `bytes` covers arrays of char and of unsigned char; `structs` arrays of structs. */
export interface FieldLayout {
  name: string;
  offset: number;
  size: number;
  type: 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'i64' | 'bytes' | 'u64s' | 'struct' | 'structs';
  /** Name of the struct, for struct and structs. */
  struct?: string;
  /** Number of elements, for u64s and structs. */
  length?: number;
}

export interface StructLayout {
  name: string;
  size: number;
  fields: FieldLayout[];
}

/** The layout of a struct of the object, from its BTF. */
export function structLayout(btf: Btf, name: string): StructLayout {
  const type = btf.find(BtfKind.struct, name);
  if (type === undefined)
    throw new CodedError('LAYOUT_MISMATCH', `the BPF object has no struct ${name}`, {
      hint: 'compile it again with `make bpf`',
    });
  return { name, size: type.sizeOrType, fields: type.members.map((member) => fieldLayout(btf, name, member)) };
}

function fieldLayout(
  btf: Btf,
  struct: string,
  member: { name: string; typeId: number; bitOffset: number },
): FieldLayout {
  const type = btf.resolve(member.typeId);
  const base = { name: member.name, offset: member.bitOffset / 8 };
  if (type.kind === BtfKind.struct) return { ...base, size: type.sizeOrType, type: 'struct', struct: type.name };
  if (type.kind === BtfKind.int) return { ...base, size: type.sizeOrType, type: intType(type) };
  if (type.kind === BtfKind.array && type.array !== undefined) {
    const { length } = type.array;
    const element = btf.resolve(type.array.elementTypeId);
    const size = element.sizeOrType * length;
    if (element.kind === BtfKind.struct) return { ...base, size, type: 'structs', struct: element.name, length };
    if (element.kind === BtfKind.int && element.sizeOrType === 1) return { ...base, size, type: 'bytes' };
    if (element.kind === BtfKind.int && element.sizeOrType === 8) return { ...base, size, type: 'u64s', length };
  }
  throw new CodedError('LAYOUT_MISMATCH', `field ${struct}.${member.name} has a type that records may not use`);
}

function intType(type: BtfType): FieldLayout['type'] {
  const signed = (type.encoding ?? 0) & 1;
  if (type.sizeOrType === 4) return signed === 1 ? 'i32' : 'u32';
  if (type.sizeOrType === 8) return signed === 1 ? 'i64' : 'u64';
  return type.sizeOrType === 2 ? 'u16' : 'u8';
}

/**
 * Compares the layouts the decoders were generated from with those of the object that is about to be loaded.
 * @throws {CodedError} LAYOUT_MISMATCH naming every struct and field that differs.
 */
export function checkLayouts(btf: Btf, expected: readonly StructLayout[]): void {
  const problems: string[] = [];
  for (const layout of expected) {
    const actual = structLayout(btf, layout.name);
    if (JSON.stringify(actual) === JSON.stringify(layout)) continue;
    const fields = layout.fields
      .filter((field, index) => JSON.stringify(field) !== JSON.stringify(actual.fields[index]))
      .map((field) => field.name);
    problems.push(`struct ${layout.name} (${layout.size} bytes expected, ${actual.size} found; ${fields.join(', ')})`);
  }
  if (problems.length === 0) return;
  throw new CodedError(
    'LAYOUT_MISMATCH',
    `the BPF object's records are not those of this agent: ${problems.join('; ')}`,
    {
      hint: 'agent and object must come from the same version; run `make bpf` and, after changing records.h, `make generate`',
    },
  );
}
