/** Longer regions are decoded anew each time: what a container can make large must not fill the memory of the agent. */
const maxRegionBytes = 512;

interface Entry<T> {
  bytes: DataView;
  value: T;
}

/**
 * Remembers what bytes have been decoded to. Most records repeat what others said (the same programs with the same
 * privileges in the same namespaces): their values are then shared, which costs neither decoding nor memory. Values must
 * not be changed by anybody.
 *
 * Each region has one place; another one that falls on the same place takes it.
 */
export class RegionMemo<T> {
  readonly #entries: (Entry<T> | undefined)[];
  readonly #mask: number;
  readonly #decode: (view: DataView, at: number, length: number) => T;

  /** `places` is a power of two. `decode` must depend on nothing but the bytes of the region. */
  constructor(places: number, decode: (view: DataView, at: number, length: number) => T) {
    this.#entries = new Array<Entry<T> | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    this.#decode = decode;
  }

  /** @throws {RangeError} when the region is not within the view. */
  get(view: DataView, at: number, length: number): T {
    if (length > maxRegionBytes) return this.#decode(view, at, length);
    const place = (hashOf(view, at, length) ^ length) & this.#mask;
    const entry = this.#entries[place];
    if (entry !== undefined && isSame(entry.bytes, view, at, length)) return entry.value;
    const value = this.#decode(view, at, length);
    const bytes = new Uint8Array(length);
    bytes.set(new Uint8Array(view.buffer, view.byteOffset + at, length));
    this.#entries[place] = { bytes: new DataView(bytes.buffer), value };
    return value;
  }
}

function hashOf(view: DataView, at: number, length: number): number {
  const end = at + length;
  const wordsEnd = end - (length & 3);
  let hash = 0x811c9dc5;
  let offset = at;
  for (; offset < wordsEnd; offset += 4) {
    hash = Math.imul(hash ^ view.getUint32(offset, true), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  for (; offset < end; offset++) hash = Math.imul(hash ^ view.getUint8(offset), 0x01000193);
  return hash ^ (hash >>> 16);
}

function isSame(bytes: DataView, view: DataView, at: number, length: number): boolean {
  if (bytes.byteLength !== length) return false;
  const wordsEnd = length - (length & 3);
  let offset = 0;
  for (; offset < wordsEnd; offset += 4)
    if (bytes.getUint32(offset, true) !== view.getUint32(at + offset, true)) return false;
  for (; offset < length; offset++) if (bytes.getUint8(offset) !== view.getUint8(at + offset)) return false;
  return true;
}
