import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import type { ReadRange } from '../../elf.ts';
import { InventoryError } from '../../inventory-error.ts';

const endBytes = 22;
const maxCommentBytes = 0xffff;
const endSignature = Buffer.from('PK\x05\x06', 'latin1');
const chunkBytes = 256 * 1024;

/** What may still be read of one archive and all inside it. */
export interface ArchiveBudget {
  entries: number;
  inflatedBytes: number;
}

/** A ZIP file that need not be in memory. Throws InventoryError when it is none. */
export async function openZip(read: ReadRange, sizeBytes: number): Promise<ZipFile> {
  const shift = prefixBytes(read, sizeBytes);
  const options = { decodeStrings: false, validateEntrySizes: true, autoClose: false };
  try {
    const zip = await fromRandomAccessReaderPromise(new RangeReader(read, shift), sizeBytes - shift, options);
    // What is emitted when nobody iterates any more must not end the process.
    zip.on('error', () => undefined);
    return zip;
  } catch (error) {
    throw brokenArchive(error);
  }
}

/** Each entry with its name; the budget bounds them. */
export async function* zipEntries(zip: ZipFile, budget: ArchiveBudget): AsyncGenerator<[name: string, entry: Entry]> {
  try {
    for await (const entry of zip.eachEntry()) {
      if (--budget.entries < 0) throw new InventoryError('too-large', 'the archive has too many entries');
      yield [entry.fileNameRaw.toString('utf8'), entry];
    }
  } catch (error) {
    throw error instanceof InventoryError ? error : brokenArchive(error);
  }
}

/** The inflated bytes of an entry, whose declared size is not believed. */
export async function entryBytes(zip: ZipFile, entry: Entry, maxBytes: number, budget: ArchiveBudget): Promise<Buffer> {
  const limit = Math.min(maxBytes, budget.inflatedBytes);
  const tooLarge = (): InventoryError => new InventoryError('too-large', `it inflates to more than ${limit} bytes`);
  if (entry.uncompressedSize > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      length += (chunk as Buffer).length;
      budget.inflatedBytes -= (chunk as Buffer).length;
      if (length > limit) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw error instanceof InventoryError ? error : brokenArchive(error);
  }
  return Buffer.concat(chunks, length);
}

function brokenArchive(cause: unknown): InventoryError {
  return new InventoryError('malformed', 'the archive is broken', { cause });
}

/** Bytes before the archive, as the start script of an executable jar; offsets in the archive do not count them. */
function prefixBytes(read: ReadRange, sizeBytes: number): number {
  const tailAt = Math.max(0, sizeBytes - endBytes - maxCommentBytes);
  const tail = read(tailAt, sizeBytes - tailAt);
  const at = tail.lastIndexOf(endSignature);
  if (at < 0 || at + endBytes > tail.length)
    throw new InventoryError('malformed', 'the file is no ZIP archive: its central directory has no end');
  const directoryBytes = tail.readUInt32LE(at + 12);
  const directoryAt = tail.readUInt32LE(at + 16);
  // ZIP64 keeps the real numbers elsewhere; such archives start with their first byte.
  if (directoryAt === 0xffffffff) return 0;
  return Math.max(0, tailAt + at - directoryBytes - directoryAt);
}

class RangeReader extends RandomAccessReader {
  readonly #read: ReadRange;
  readonly #shift: number;

  constructor(read: ReadRange, shift: number) {
    super();
    this.#read = read;
    this.#shift = shift;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#chunks(start, end));
  }

  *#chunks(start: number, end: number): Generator<Buffer> {
    for (let at = start; at < end; ) {
      const bytes = this.#read(at + this.#shift, Math.min(chunkBytes, end - at));
      if (bytes.length === 0) return;
      at += bytes.length;
      yield bytes;
    }
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    let bytes: Buffer;
    try {
      bytes = this.#read(position + this.#shift, length);
    } catch (error) {
      callback(error as Error);
      return;
    }
    bytes.copy(buffer, offset);
    callback(null, bytes.length);
  }
}
