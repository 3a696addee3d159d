import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { CodedError } from '../../common/errors.ts';
import { Btf, BtfKind } from '../decode/btf.ts';
import { elfSection } from '../decode/elf.ts';
import { layouts } from '../decode/layout.generated.ts';
import { checkLayouts } from '../decode/layout.ts';
import type { Handle, Libbpf } from './libbpf.ts';
import { mapMemory, Protection, pageBytes } from './libc.ts';

export interface Constant {
  name: string;
  /** Of one element. */
  bytes: 4 | 8;
  /** An array's elements, or the one value. */
  value: bigint | readonly bigint[];
}

/** Reads the object's BTF and checks that its records are those the decoders were made for. */
export function readObjectBtf(path: string): Btf {
  let file: Uint8Array;
  try {
    file = readFileSync(path);
  } catch (cause) {
    throw new CodedError('BPF_OBJECT_MISSING', `the BPF object ${path} cannot be read`, {
      cause,
      hint: 'compile it with `make bpf`',
    });
  }
  const btf = Btf.parse(elfSection(file, '.BTF'));
  checkLayouts(btf, layouts);
  return btf;
}

export function openObject(libbpf: Libbpf, path: string): Handle {
  const object = libbpf.open(path, null);
  if (object === null)
    throw new CodedError('BPF_OBJECT_INVALID', `libbpf cannot open ${path}: ${libbpf.takeMessages().join('; ')}`);
  return object;
}

export function findMap(libbpf: Libbpf, object: Handle, name: string): Handle {
  const map = libbpf.findMap(object, name);
  if (map === null) throw new CodedError('BPF_OBJECT_INVALID', `the BPF object has no map ${name}`);
  return map;
}

/** A 32-bit variable that the running programs and user space share. */
export interface SharedVariable {
  cell: Uint32Array;
  /** The cell must not be touched afterwards. */
  unmap(): void;
}

/** Maps the page of a loaded object's zero-initialised variables. @throws {CodedError} LAYOUT_MISMATCH, MMAP_FAILED */
export function shareVariable(libbpf: Libbpf, object: Handle, btf: Btf, name: string): SharedVariable {
  const variable = btf.find(BtfKind.datasec, '.bss')?.variables?.find(({ typeId }) => btf.types[typeId]?.name === name);
  if (variable === undefined || variable.size !== 4 || variable.offset + 4 > pageBytes)
    throw new CodedError('LAYOUT_MISMATCH', `the BPF object has no variable ${name} of 4 bytes`);
  const fd = libbpf.mapFd(findMap(libbpf, object, '.bss'));
  const { buffer, unmap } = mapMemory(fd, pageBytes, Protection.read | Protection.write, 0);
  return { cell: new Uint32Array(buffer, variable.offset, 1), unmap };
}

/** Sets `const volatile` variables between open and load, where the verifier can still use their values. */
export function setConstants(libbpf: Libbpf, object: Handle, btf: Btf, constants: readonly Constant[]): void {
  const section = btf.find(BtfKind.datasec, '.rodata');
  const size = [0n];
  const memory = libbpf.initialValue(findMap(libbpf, object, '.rodata'), size);
  if (section?.variables === undefined || memory === null)
    throw new CodedError('BPF_OBJECT_INVALID', 'the BPF object has no constants');
  const view = new DataView(koffi.view(memory, Number(size[0])));
  for (const constant of constants) {
    const variable = section.variables.find(({ typeId }) => btf.types[typeId]?.name === constant.name);
    const values = typeof constant.value === 'bigint' ? [constant.value] : constant.value;
    const bytes = constant.bytes * values.length;
    if (variable === undefined || variable.size !== bytes)
      throw new CodedError('LAYOUT_MISMATCH', `the BPF object has no constant ${constant.name} of ${bytes} bytes`);
    for (const [index, value] of values.entries()) {
      const at = variable.offset + index * constant.bytes;
      if (constant.bytes === 4) view.setUint32(at, Number(value), true);
      else view.setBigUint64(at, value, true);
    }
  }
}
