import type { ElfFile, ReadRange } from '../elf.ts';
import { InventoryError } from '../inventory-error.ts';

export interface GoModule {
  path: string;
  version: string;
  /** What is compiled instead, by a `replace` in go.mod; without a version it is a folder. */
  replacement: { path: string; version: string } | undefined;
}

/** https://pkg.go.dev/runtime/debug#BuildInfo */
export interface GoBuildInfo {
  /** "go1.26.1" */
  goVersion: string;
  /** Import path of the main package. */
  path: string;
  main: GoModule | undefined;
  dependencies: readonly GoModule[];
  settings: ReadonlyMap<string, string>;
}

const magic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerBytes = 32;
const alignment = 16;
const searchedBytes = 1024 * 1024;
const maxVersionBytes = 1024;
const maxModuleBytes = 8 * 1024 * 1024;
const maxModules = 50_000;

/**
 * What the Go linker wrote about modules (https://pkg.go.dev/debug/buildinfo): in section .go.buildinfo, or at the start
 * of the writable data when sections were stripped. Undefined: no Go program. Throws InventoryError when it is cut off.
 */
export function readGoBuildInfo(read: ReadRange, elf: ElfFile): GoBuildInfo | undefined {
  const at = findHeader(read, elf);
  if (at === undefined) return undefined;
  const header = read(at, headerBytes);
  if (header.length < headerBytes) throw cutOff();
  const hasInlineTexts = (header[15]! & 2) !== 0;
  const [version, modules] = hasInlineTexts ? inlineTexts(read, at) : pointedTexts(read, elf, header);
  if (version === '') return undefined;
  return { goVersion: version, ...readModules(modules) };
}

function findHeader(read: ReadRange, elf: ElfFile): number | undefined {
  const section = elf.sections.find(({ name, isEmpty }) => name === '.go.buildinfo' && !isEmpty);
  const data = elf.segments.find(({ isLoaded, isWritable }) => isLoaded && isWritable);
  for (const place of [section?.offset, elf.sections.length === 0 ? data?.offset : undefined]) {
    if (place === undefined) continue;
    const bytes = read(place, searchedBytes);
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1))
      if (at % alignment === 0) return place + at;
  }
  return undefined;
}

/** Since Go 1.18: two texts, each behind its length. */
function inlineTexts(read: ReadRange, at: number): [string, string] {
  const version = textAt(read, at + headerBytes, maxVersionBytes);
  const modules = textAt(read, version.end, maxModuleBytes);
  return [version.bytes.toString('utf8'), withoutSentinels(modules.bytes)];
}

function textAt(read: ReadRange, at: number, maxBytes: number): { bytes: Buffer; end: number } {
  const prefix = read(at, 10);
  let length = 0;
  let width = 0;
  for (; ; width++) {
    const byte = prefix[width];
    if (byte === undefined || width > 4) throw cutOff();
    length += (byte & 0x7f) * 2 ** (7 * width);
    if (byte < 0x80) break;
  }
  return { bytes: exactly(read, at + width + 1, length, maxBytes), end: at + width + 1 + length };
}

/** Before Go 1.18: two addresses of Go strings (address, length). */
function pointedTexts(read: ReadRange, elf: ElfFile, header: Buffer): [string, string] {
  const size = header[14]!;
  const isBigEndian = (header[15]! & 1) !== 0;
  if (size !== 4 && size !== 8) throw new InventoryError('malformed', 'the Go build information has odd pointers');
  const number = (bytes: Buffer, at: number): number => {
    const value = bytes.subarray(at, at + size);
    return Number(`0x${(isBigEndian ? value : Buffer.from(value).reverse()).toString('hex') || '0'}`);
  };
  const text = (address: number, maxBytes: number): Buffer => {
    if (address === 0) return Buffer.alloc(0);
    const string = exactly(read, offsetOf(elf, address), 2 * size, 2 * size);
    const length = number(string, size);
    return length === 0 ? Buffer.alloc(0) : exactly(read, offsetOf(elf, number(string, 0)), length, maxBytes);
  };
  const version = text(number(header, 16), maxVersionBytes);
  return [version.toString('utf8'), withoutSentinels(text(number(header, 16 + size), maxModuleBytes))];
}

function offsetOf(elf: ElfFile, address: number): number {
  const segment = elf.segments.find(
    ({ isLoaded, virtualAddress, fileBytes }) =>
      isLoaded && address >= virtualAddress && address < virtualAddress + fileBytes,
  );
  if (segment === undefined) throw new InventoryError('malformed', 'the Go build information points nowhere');
  return segment.offset + (address - segment.virtualAddress);
}

function exactly(read: ReadRange, at: number, length: number, maxBytes: number): Buffer {
  if (length > maxBytes) throw new InventoryError('too-large', `the Go build information is larger than ${maxBytes}`);
  const bytes = read(at, length);
  if (bytes.length < length) throw cutOff();
  return bytes;
}

function cutOff(): InventoryError {
  return new InventoryError('malformed', 'the Go build information is cut off');
}

/** The linker puts 16 bytes before and after the text, so that it can be found. */
function withoutSentinels(bytes: Buffer): string {
  return bytes.length >= 33 && bytes[bytes.length - 17] === 0x0a ? bytes.toString('utf8', 16, bytes.length - 16) : '';
}

function readModules(text: string): Omit<GoBuildInfo, 'goVersion'> {
  const dependencies: GoModule[] = [];
  const settings = new Map<string, string>();
  let path = '';
  let main: GoModule | undefined;
  let last: GoModule | undefined;
  for (const line of text.split('\n')) {
    const [kind, first = '', version = ''] = line.split('\t');
    if (kind === 'path') path = first;
    else if (kind === 'mod') main = last = { path: first, version, replacement: undefined };
    else if (kind === 'dep') {
      if (dependencies.length >= maxModules)
        throw new InventoryError('too-large', `the Go program has more than ${maxModules} modules`);
      last = { path: first, version, replacement: undefined };
      dependencies.push(last);
    } else if (kind === '=>' && last !== undefined) last.replacement = { path: first, version };
    else if (kind === 'build') {
      const equals = first.indexOf('=');
      if (equals > 0) settings.set(first.slice(0, equals), unquoted(first.slice(equals + 1)));
    }
  }
  return { path, main, dependencies, settings };
}

/** Values with spaces are written as Go writes string literals. */
function unquoted(value: string): string {
  if (value.startsWith('`')) return value.slice(1, -1);
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value.slice(1, -1);
  }
}
