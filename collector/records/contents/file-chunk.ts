import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { digestBytes, packDigest, unpackDigest } from './file-digest.ts';

/** A file as a chunk holds it: packages by their keys, so that it means the same in every image. */
export interface ChunkFile {
  path: string;
  /** Keys of packages, as `packageKey` makes them. */
  owners: readonly string[];
  evidenceOf: readonly string[];
  linkTarget: string | undefined;
  mode: number | undefined;
  digest: string;
}

const formatVersion = 1;
export const packageKeyBytes = 12;
/** Paths between two that are written in full: a look-up decodes at most so many. */
const blockFiles = 16;
const hasEvidence = 1;
const hasLink = 2;
const hasMode = 4;
const digestShift = 3;

/**
 * Writes files, sorted by path, as one chunk: the keys of the packages, where each block begins, then the files. Within a
 * block each path is written as what differs from the one before.
 */
export function encodeFileChunk(files: readonly ChunkFile[]): Buffer {
  const keys = [...new Set(files.flatMap(({ owners, evidenceOf }) => [...owners, ...evidenceOf]))].sort();
  const numbers = new Map(keys.map((key, number) => [key, number]));
  const writer = new ByteWriter();
  writer.varint(formatVersion);
  writer.varint(files.length);
  writer.varint(keys.length);
  for (const key of keys) writer.bytes(Buffer.from(key, 'hex'));
  const table = writer.length;
  for (let block = 0; block * blockFiles < files.length; block++) writer.uint32(0);
  let before = '';
  for (const [at, file] of files.entries()) {
    const isFirst = at % blockFiles === 0;
    if (isFirst) writer.uint32At(table + (at / blockFiles) * 4, writer.length);
    writeFile(writer, file, isFirst ? '' : before, numbers);
    before = file.path;
  }
  return writer.finish();
}

function writeFile(writer: ByteWriter, file: ChunkFile, before: string, numbers: ReadonlyMap<string, number>): void {
  const { path, owners, evidenceOf, linkTarget, mode } = file;
  const digest = packDigest(file.digest);
  const shared = sharedLength(before, path);
  writer.varint(shared);
  writer.text(path.slice(shared));
  const flags =
    (evidenceOf.length > 0 ? hasEvidence : 0) |
    (linkTarget === undefined ? 0 : hasLink) |
    (mode === undefined ? 0 : hasMode) |
    (digest.algorithm << digestShift);
  writer.varint(flags);
  writeNumbers(writer, owners, numbers);
  if (flags & hasEvidence) writeNumbers(writer, evidenceOf, numbers);
  if (linkTarget !== undefined) writer.text(linkTarget);
  if (mode !== undefined) writer.varint(mode);
  writer.bytes(digest.bytes);
}

function writeNumbers(writer: ByteWriter, keys: readonly string[], numbers: ReadonlyMap<string, number>): void {
  writer.varint(keys.length);
  for (const key of keys) writer.varint(numbers.get(key) ?? 0);
}

/** Length of the common beginning, never between the halves of a surrogate pair. */
function sharedLength(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  const last = length > 0 ? a.charCodeAt(length - 1) : 0;
  return last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
}

/** A chunk in memory, as it was written; a look-up reads one block. Throws RangeError when the bytes are no chunk. */
export class FileChunk {
  readonly #bytes: Buffer;
  readonly #keys: string[] = [];
  readonly #blocks: number;
  readonly #table: number;
  /** First path of each block, as far as it was asked for. */
  readonly #firstPaths: string[] = [];
  readonly fileCount: number;

  constructor(bytes: Buffer) {
    const reader = new ByteReader(bytes);
    if (reader.varint() !== formatVersion) throw new RangeError('the chunk is of another version');
    this.#bytes = bytes;
    this.fileCount = reader.varint();
    const keys = reader.varint();
    if (keys * packageKeyBytes > bytes.length) throw new RangeError('the chunk has more packages than bytes');
    for (let at = 0; at < keys; at++) this.#keys.push(reader.bytes(packageKeyBytes).toString('hex'));
    this.#table = reader.at;
    this.#blocks = Math.ceil(this.fileCount / blockFiles);
    if (this.#table + this.#blocks * 4 > bytes.length) throw new RangeError('the chunk ends too early');
  }

  /** In memory, roughly. */
  get sizeBytes(): number {
    return this.#bytes.length + this.#keys.length * 64 + this.#blocks * 200;
  }

  /** Keys of all packages that files of this chunk belong to. */
  get packageKeys(): readonly string[] {
    return this.#keys;
  }

  find(path: string): ChunkFile | undefined {
    let low = 0;
    let high = this.#blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#firstPath(middle) <= path) low = middle;
      else high = middle - 1;
    }
    for (const file of this.#block(low)) {
      if (file.path === path) return file;
      if (file.path > path) return undefined;
    }
    return undefined;
  }

  *files(): Generator<ChunkFile> {
    for (let block = 0; block < this.#blocks; block++) yield* this.#block(block);
  }

  /** Files with this digest; the bytes are sought as they are, which is quicker than reading each file. */
  *withDigest(digest: string): Generator<ChunkFile> {
    const { bytes, algorithm } = packDigest(digest);
    if (algorithm === 0) return;
    const first = this.#blocks === 0 ? this.#bytes.length : this.#offset(0);
    for (let at = this.#bytes.indexOf(bytes, first); at !== -1; ) {
      const block = this.#blockAt(at);
      for (const file of this.#block(block)) if (file.digest === digest) yield file;
      if (block + 1 >= this.#blocks) return;
      at = this.#bytes.indexOf(bytes, this.#offset(block + 1));
    }
  }

  #blockAt(at: number): number {
    let low = 0;
    let high = this.#blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#offset(middle) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #offset(block: number): number {
    return this.#bytes.readUInt32LE(this.#table + block * 4);
  }

  #firstPath(block: number): string {
    const known = this.#firstPaths[block];
    if (known !== undefined) return known;
    const reader = new ByteReader(this.#bytes, this.#offset(block));
    reader.varint();
    const path = reader.text();
    this.#firstPaths[block] = path;
    return path;
  }

  *#block(block: number): Generator<ChunkFile> {
    const count = Math.min(blockFiles, this.fileCount - block * blockFiles);
    if (count <= 0) return;
    const reader = new ByteReader(this.#bytes, this.#offset(block));
    let before = '';
    for (let at = 0; at < count; at++) {
      const file = this.#read(reader, before);
      before = file.path;
      yield file;
    }
  }

  #read(reader: ByteReader, before: string): ChunkFile {
    const path = before.slice(0, reader.varint()) + reader.text();
    const flags = reader.varint();
    const owners = this.#readKeys(reader);
    const evidenceOf = flags & hasEvidence ? this.#readKeys(reader) : [];
    const linkTarget = flags & hasLink ? reader.text() : undefined;
    const mode = flags & hasMode ? reader.varint() : undefined;
    const algorithm = flags >> digestShift;
    return {
      path,
      owners,
      evidenceOf,
      linkTarget,
      mode,
      digest: unpackDigest(algorithm, reader.bytes(digestBytes(algorithm))),
    };
  }

  #readKeys(reader: ByteReader): string[] {
    const count = reader.varint();
    if (count > this.#keys.length) throw new RangeError('a file has more packages than the chunk');
    return Array.from({ length: count }, () => this.#keys[reader.varint()] ?? '');
  }
}
