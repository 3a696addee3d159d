import { type Mapping, mapMemory, Protection, pageBytes } from './libc.ts';

const busyBit = 0x80000000;
const discardBit = 0x40000000;
const recordHeaderBytes = 8;
/** Space is given back to the kernel after this many bytes, not only at the end: a long drain must not look full. */
const releaseEveryBytes = 256 * 1024;

/**
 * Reads a BPF ring buffer in place. Its memory is one page with the consumer's position, one with the producer's, and the
 * data, mapped twice in a row so that a record never wraps:
 *
 *     | consumer position | producer position | data | the same data again |
 *
 * Positions are byte counts that only grow; position modulo data size is the place. A record is a 32-bit length whose two
 * top bits mean "still being written" and "discarded", 32 bits of page offset, and the bytes, padded to a multiple of 8.
 * @see https://docs.kernel.org/bpf/ringbuf.html
 */
export class RingReader {
  readonly #consumerMap: Mapping;
  readonly #producerMap: Mapping;
  readonly #consumerPosition: BigUint64Array;
  readonly #producerPosition: BigUint64Array;
  readonly #lengths: Int32Array;
  readonly #view: DataView;
  readonly #mask: number;
  #position: bigint;

  /** `dataBytes` is the ring's size, a power of two. @throws {CodedError} MMAP_FAILED */
  constructor(ringFd: number, dataBytes: number) {
    this.#consumerMap = mapMemory(ringFd, pageBytes, Protection.read | Protection.write, 0);
    this.#producerMap = mapMemory(ringFd, pageBytes + 2 * dataBytes, Protection.read, pageBytes);
    this.#consumerPosition = new BigUint64Array(this.#consumerMap.buffer, 0, 1);
    this.#producerPosition = new BigUint64Array(this.#producerMap.buffer, 0, 1);
    this.#lengths = new Int32Array(this.#producerMap.buffer, pageBytes, (2 * dataBytes) / 4);
    this.#view = new DataView(this.#producerMap.buffer, pageBytes, 2 * dataBytes);
    this.#mask = dataBytes - 1;
    this.#position = this.#consumerPosition[0] ?? 0n;
  }

  /** How far the kernel has handed out room: bytes since the beginning. */
  get producerPosition(): bigint {
    return Atomics.load(this.#producerPosition, 0);
  }

  /** How far it has been read. */
  get consumerPosition(): bigint {
    return this.#position;
  }

  /** Bytes that wait to be read. */
  get backlogBytes(): number {
    return Number(this.producerPosition - this.#position);
  }

  /**
   * Calls `onRecord` for each complete record, at most `maxRecords`; answers how many there were. The view is of the ring
   * itself: what is to outlive the call must be copied. `onRecord` must not throw.
   */
  drain(onRecord: (view: DataView, at: number, lengthBytes: number) => void, maxRecords: number): number {
    const end = Atomics.load(this.#producerPosition, 0);
    let position = this.#position;
    let released = position;
    let count = 0;
    while (position < end && count < maxRecords) {
      const place = Number(position & BigInt(this.#mask));
      // Atomics order this read before those of the record's bytes, against the kernel's release of the length.
      const length = Atomics.load(this.#lengths, place >>> 2) >>> 0;
      if ((length & busyBit) !== 0) break;
      const dataBytes = (length & ~discardBit) >>> 0;
      if ((length & discardBit) === 0) {
        onRecord(this.#view, place + recordHeaderBytes, dataBytes);
        count++;
      }
      position += BigInt((dataBytes + recordHeaderBytes + 7) & ~7);
      if (position - released >= releaseEveryBytes) {
        Atomics.store(this.#consumerPosition, 0, position);
        released = position;
      }
    }
    this.#position = position;
    Atomics.store(this.#consumerPosition, 0, position);
    return count;
  }

  close(): void {
    this.#consumerMap.unmap();
    this.#producerMap.unmap();
  }
}
