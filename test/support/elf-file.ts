export interface ElfSectionSource {
  name: string;
  bytes: Buffer;
}

export interface ElfShape {
  is64: boolean;
  isLittleEndian: boolean;
}

/** An ELF file that has only sections, of either class and byte order. */
export function elfFile(sections: readonly ElfSectionSource[], shape: ElfShape = little64): Buffer {
  const texts = Buffer.from(`\0${[...sections.map(({ name }) => name), '.shstrtab'].join('\0')}\0`);
  const all = [...sections, { name: '.shstrtab', bytes: texts }];
  const { is64 } = shape;
  const headerBytes = is64 ? 64 : 52;
  const sectionBytes = is64 ? 64 : 40;
  const header = new Writer(Buffer.alloc(headerBytes), shape);
  let at = headerBytes;
  const entries: Buffer[] = [Buffer.alloc(sectionBytes)];
  for (const { name, bytes } of all) {
    const entry = new Writer(Buffer.alloc(sectionBytes), shape);
    entry.word(0, texts.indexOf(`\0${name}\0`) + 1);
    entry.word(4, 1);
    entry.address(16, 24, at);
    entry.address(20, 32, bytes.length);
    entries.push(entry.bytes);
    at += bytes.length;
  }
  header.bytes.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, shape.isLittleEndian ? 1 : 2, 1]);
  header.address(32, 40, at);
  header.half(is64 ? 58 : 46, sectionBytes);
  header.half(is64 ? 60 : 48, entries.length);
  header.half(is64 ? 62 : 50, entries.length - 1);
  return Buffer.concat([header.bytes, ...all.map(({ bytes }) => bytes), ...entries]);
}

const little64: ElfShape = { is64: true, isLittleEndian: true };

class Writer {
  readonly bytes: Buffer;
  readonly #shape: ElfShape;

  constructor(bytes: Buffer, shape: ElfShape) {
    this.bytes = bytes;
    this.#shape = shape;
  }

  half(at: number, value: number): void {
    if (this.#shape.isLittleEndian) this.bytes.writeUInt16LE(value, at);
    else this.bytes.writeUInt16BE(value, at);
  }

  word(at: number, value: number): void {
    if (this.#shape.isLittleEndian) this.bytes.writeUInt32LE(value, at);
    else this.bytes.writeUInt32BE(value, at);
  }

  address(at32: number, at64: number, value: number): void {
    if (!this.#shape.is64) this.word(at32, value);
    else if (this.#shape.isLittleEndian) this.bytes.writeBigUInt64LE(BigInt(value), at64);
    else this.bytes.writeBigUInt64BE(BigInt(value), at64);
  }
}
