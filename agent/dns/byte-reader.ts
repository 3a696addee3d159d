/** The bytes ended before what was to be read. */
export class OutOfBytes extends RangeError {}

/** Reads numbers in network byte order, one after the other. */
export interface ByteReader {
  readonly at: number;
  /** How many bytes there are. */
  readonly length: number;
  u8(): number;
  u16(): number;
  u32(): number;
  bytes(count: number): Uint8Array;
  skip(count: number): void;
  moveTo(at: number): void;
}

export function readerOf(bytes: Uint8Array): ByteReader {
  return new Reader(bytes);
}

class Reader implements ByteReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  u8(): number {
    return this.#take(1)[0] ?? 0;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  bytes(count: number): Uint8Array {
    return this.#take(count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  moveTo(at: number): void {
    if (at > this.#bytes.length) throw new OutOfBytes('past the end');
    this.at = at;
  }

  #take(count: number): Uint8Array {
    const end = this.at + count;
    if (end > this.#bytes.length) throw new OutOfBytes('past the end');
    const part = this.#bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}
