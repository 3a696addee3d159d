import { CodedError } from '../../common/errors.ts';

/**
 * The bytes of one section of a 64-bit little-endian ELF file, such as a BPF object's ".BTF".
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html
 * @throws {CodedError} BPF_OBJECT_INVALID when the file is no such ELF file or lacks the section.
 */
export function elfSection(file: Uint8Array, name: string): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (view.getUint32(0, false) !== 0x7f454c46 || view.getUint8(4) !== 2 || view.getUint8(5) !== 1)
      throw new RangeError('not a 64-bit little-endian ELF file');
    return findSection(file, view, name);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CodedError('BPF_OBJECT_INVALID', `cannot read section ${name} of the BPF object`, {
      cause,
      hint: 'compile it again with `make bpf`',
    });
  }
}

function findSection(file: Uint8Array, view: DataView, wanted: string): Uint8Array {
  const tableOffset = Number(view.getBigUint64(0x28, true));
  const entrySize = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const namesEntry = tableOffset + view.getUint16(0x3e, true) * entrySize;
  const namesOffset = Number(view.getBigUint64(namesEntry + 0x18, true));
  for (let index = 0; index < count; index++) {
    const entry = tableOffset + index * entrySize;
    const nameAt = namesOffset + view.getUint32(entry, true);
    if (readName(file, nameAt) !== wanted) continue;
    const offset = Number(view.getBigUint64(entry + 0x18, true));
    const size = Number(view.getBigUint64(entry + 0x20, true));
    if (offset + size > file.byteLength) throw new RangeError(`section ${wanted} reaches beyond the end of the file`);
    return file.subarray(offset, offset + size);
  }
  throw new RangeError(`no section ${wanted}`);
}

function readName(file: Uint8Array, at: number): string {
  let end = at;
  while (end < file.byteLength && file[end] !== 0) end++;
  return Buffer.from(file.subarray(at, end)).toString('latin1');
}
