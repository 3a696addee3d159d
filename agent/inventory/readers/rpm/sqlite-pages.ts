import { DatabaseDamage, type ReadBytes, readExactly } from './pages.ts';

const headerBytes = 100;
const signature = 'SQLite format 3\0';
const walHeaderBytes = 32;
const frameHeaderBytes = 24;
const walMagic = 0x377f0682;
const maxFrames = 1_000_000;
const utf8 = 1;

/**
 * The pages of an SQLite database, those of a write-ahead log beside it included.
 * @see https://www.sqlite.org/fileformat2.html
 */
export class SqlitePages {
  readonly #read: ReadBytes;
  readonly #readWal: ReadBytes | undefined;
  /** Where in the log the last committed version of a page is. */
  readonly #logged = new Map<number, number>();
  readonly pageBytes: number;
  /** Without what is reserved at the end of each page. */
  readonly usableBytes: number;

  /** @throws {DatabaseDamage} when it is no such database */
  constructor(read: ReadBytes, readWal: ReadBytes | undefined) {
    this.#read = read;
    this.#readWal = readWal;
    const header = readExactly(read, 0, headerBytes, 'its header');
    if (header.toString('latin1', 0, signature.length) !== signature)
      throw new DatabaseDamage('it is no SQLite database');
    const written = header.readUInt16BE(16);
    this.pageBytes = written === 1 ? 65_536 : written;
    this.usableBytes = this.pageBytes - header.readUInt8(20);
    if (this.pageBytes < 512 || (this.pageBytes & (this.pageBytes - 1)) !== 0 || this.usableBytes < 480)
      throw new DatabaseDamage(`pages of ${this.pageBytes} bytes`);
    if (header.readUInt32BE(56) > utf8) throw new DatabaseDamage('its text is not UTF-8');
    if (readWal !== undefined) this.#readLog(readWal);
  }

  /** Page 1 is the first. @throws {DatabaseDamage} */
  page(number: number): Buffer {
    const at = this.#logged.get(number);
    if (at !== undefined && this.#readWal !== undefined)
      return readExactly(this.#readWal, at, this.pageBytes, `page ${number} in the log`);
    if (number < 1) throw new DatabaseDamage(`page ${number} does not exist`);
    return readExactly(this.#read, (number - 1) * this.pageBytes, this.pageBytes, `page ${number}`);
  }

  /** Frames count up to the last one that ends a transaction, and only those of this run of the log (same salt). */
  #readLog(readWal: ReadBytes): void {
    const header = readWal(0, walHeaderBytes);
    if (header.length < walHeaderBytes || (header.readUInt32BE(0) & ~1) !== walMagic) return;
    if (header.readUInt32BE(8) !== this.pageBytes) return;
    const salt = header.subarray(16, 24);
    const uncommitted = new Map<number, number>();
    for (let count = 0; count < maxFrames; count++) {
      const at = walHeaderBytes + count * (frameHeaderBytes + this.pageBytes);
      const frame = readWal(at, frameHeaderBytes);
      if (frame.length < frameHeaderBytes || !frame.subarray(8, 16).equals(salt)) return;
      uncommitted.set(frame.readUInt32BE(0), at + frameHeaderBytes);
      if (frame.readUInt32BE(4) === 0) continue;
      for (const [page, place] of uncommitted) this.#logged.set(page, place);
      uncommitted.clear();
    }
  }
}
