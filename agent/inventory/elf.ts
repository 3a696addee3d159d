import { InventoryError } from './inventory-error.ts';

/** Reads part of a file; fewer bytes at its end. */
export type ReadRange = (offset: number, length: number) => Buffer;

export interface ElfSection {
  name: string;
  offset: number;
  sizeBytes: number;
  /** SHT_NOBITS: it has no bytes in the file. */
  isEmpty: boolean;
}

export interface ElfSegment {
  offset: number;
  fileBytes: number;
  virtualAddress: number;
  isLoaded: boolean;
  isWritable: boolean;
}

export interface ElfFile {
  is64: boolean;
  isLittleEndian: boolean;
  sections: readonly ElfSection[];
  segments: readonly ElfSegment[];
}

const maxSections = 8_192;
const maxSegments = 512;
const maxNamesBytes = 4 * 1024 * 1024;
const noBits = 8;
const loaded = 1;
const writable = 2;

/**
 * Sections and program segments of an ELF file (https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html), 32 and
 * 64 bits, of both byte orders. Undefined: no ELF file. Throws InventoryError when it is one, and broken.
 */
export function readElf(read: ReadRange): ElfFile | undefined {
  const header = read(0, 64);
  if (header.length < 20 || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const is64 = header[4] === 2;
  const isLittleEndian = header[5] === 1;
  if ((!is64 && header[4] !== 1) || (!isLittleEndian && header[5] !== 2)) throw malformed('its class is unknown');
  if (header.length < (is64 ? 64 : 52)) throw malformed('its header is cut off');
  const fields = new Fields(header, is64, isLittleEndian);
  return {
    is64,
    isLittleEndian,
    sections: readSections(read, fields),
    segments: readSegments(read, fields),
  };
}

/** Bytes of a section, at most `maxBytes`. Undefined: there is none of that name. */
export function sectionBytes(read: ReadRange, elf: ElfFile, name: string, maxBytes: number): Buffer | undefined {
  const section = elf.sections.find((each) => each.name === name && !each.isEmpty);
  if (section === undefined) return undefined;
  if (section.sizeBytes > maxBytes) throw new InventoryError('too-large', `${name} is larger than ${maxBytes} bytes`);
  const bytes = read(section.offset, section.sizeBytes);
  if (bytes.length < section.sizeBytes) throw malformed(`${name} reaches behind its end`);
  return bytes;
}

/** Integers of either size and order. Offsets beyond 2^53 are no offsets in a file. */
class Fields {
  readonly is64: boolean;
  readonly #bytes: Buffer;
  readonly #isLittleEndian: boolean;

  constructor(bytes: Buffer, is64: boolean, isLittleEndian: boolean) {
    this.#bytes = bytes;
    this.is64 = is64;
    this.#isLittleEndian = isLittleEndian;
  }

  of(bytes: Buffer): Fields {
    return new Fields(bytes, this.is64, this.#isLittleEndian);
  }

  half(at: number): number {
    return this.#isLittleEndian ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  word(at: number): number {
    return this.#isLittleEndian ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  /** An address or size, at its place in the 32-bit or the 64-bit layout. */
  address(at32: number, at64: number): number {
    if (!this.is64) return this.word(at32);
    const value = this.#isLittleEndian ? this.#bytes.readBigUInt64LE(at64) : this.#bytes.readBigUInt64BE(at64);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  }
}

function readSections(read: ReadRange, header: Fields): ElfSection[] {
  const { is64 } = header;
  const at = header.address(32, 40);
  const entryBytes = header.half(is64 ? 58 : 46);
  const declaredCount = header.half(is64 ? 60 : 48);
  const declaredNames = header.half(is64 ? 62 : 50);
  if (at === 0) return [];
  if (entryBytes !== (is64 ? 64 : 40)) throw malformed('entries of its section table have another size');
  // More than 0xff00 sections: the numbers are in the first entry.
  const first = header.of(wholeRange(read, at, entryBytes, 'section table'));
  const count = declaredCount === 0 ? first.address(20, 32) : declaredCount;
  const names = declaredNames === 0xffff ? first.word(is64 ? 40 : 24) : declaredNames;
  if (count > maxSections) throw new InventoryError('too-large', `the ELF file has more than ${maxSections} sections`);
  const table = wholeRange(read, at, count * entryBytes, 'section table');
  const entries = Array.from({ length: count }, (_, index) =>
    header.of(table.subarray(index * entryBytes, (index + 1) * entryBytes)),
  );
  const nameTable = entries[names];
  if (nameTable === undefined) return [];
  const namesBytes = Math.min(nameTable.address(20, 32), maxNamesBytes);
  const texts = read(nameTable.address(16, 24), namesBytes);
  return entries.map((entry) => ({
    name: textAt(texts, entry.word(0)),
    offset: entry.address(16, 24),
    sizeBytes: entry.address(20, 32),
    isEmpty: entry.word(4) === noBits,
  }));
}

function readSegments(read: ReadRange, header: Fields): ElfSegment[] {
  const { is64 } = header;
  const at = header.address(28, 32);
  const entryBytes = header.half(is64 ? 54 : 42);
  const count = header.half(is64 ? 56 : 44);
  if (at === 0 || count === 0) return [];
  if (entryBytes !== (is64 ? 56 : 32)) throw malformed('entries of its program header have another size');
  if (count > maxSegments) throw new InventoryError('too-large', `the ELF file has more than ${maxSegments} segments`);
  const table = wholeRange(read, at, count * entryBytes, 'program header');
  return Array.from({ length: count }, (_, index) => {
    const entry = header.of(table.subarray(index * entryBytes, (index + 1) * entryBytes));
    return {
      offset: entry.address(4, 8),
      fileBytes: entry.address(16, 32),
      virtualAddress: entry.address(8, 16),
      isLoaded: entry.word(0) === loaded,
      isWritable: (entry.word(is64 ? 4 : 24) & writable) !== 0,
    };
  });
}

function wholeRange(read: ReadRange, offset: number, length: number, what: string): Buffer {
  const bytes = read(offset, length);
  if (bytes.length < length) throw malformed(`its ${what} reaches behind its end`);
  return bytes;
}

function textAt(bytes: Buffer, at: number): string {
  if (at >= bytes.length) return '';
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, Math.min(end < 0 ? bytes.length : end, at + 256));
}

function malformed(reason: string): InventoryError {
  return new InventoryError('malformed', `the ELF file is broken: ${reason}`);
}
