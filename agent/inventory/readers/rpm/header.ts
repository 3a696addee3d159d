import { textOfBytes } from '../../path-text.ts';

/** rpmtag.h of rpm. */
export const RpmTag = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  license: 1014,
  architecture: 1022,
  oldFileNames: 1027,
  fileStates: 1029,
  fileDigests: 1035,
  sourceRpm: 1044,
  directoryIndexes: 1116,
  baseNames: 1117,
  directoryNames: 1118,
  fileDigestAlgorithm: 5011,
  modularityLabel: 5096,
} as const;

/** https://rpm-software-management.github.io/rpm/manual/format_header.html */
const Type = { char: 1, int8: 2, int16: 3, int32: 4, string: 6, stringArray: 8, i18nString: 9 } as const;
const prefixBytes = 8;
const entryBytes = 16;
const maxEntries = 65_536;
const widths: Record<number, number> = { [Type.char]: 1, [Type.int8]: 1, [Type.int16]: 2, [Type.int32]: 4 };
const stringTypes: ReadonlySet<number> = new Set([Type.string, Type.stringArray, Type.i18nString]);

interface Entry {
  type: number;
  offset: number;
  count: number;
}

/** A header of an rpm database: an index of tags over an area of data, both big-endian. */
export class RpmHeader {
  readonly #entries = new Map<number, Entry>();
  readonly #data: Buffer;

  private constructor(blob: Buffer, entryCount: number, dataBytes: number) {
    const dataStart = prefixBytes + entryCount * entryBytes;
    this.#data = blob.subarray(dataStart, dataStart + dataBytes);
    for (let at = prefixBytes; at < dataStart; at += entryBytes) {
      const tag = blob.readUInt32BE(at);
      if (this.#entries.has(tag)) continue;
      const [type, offset, count] = [blob.readUInt32BE(at + 4), blob.readUInt32BE(at + 8), blob.readUInt32BE(at + 12)];
      this.#entries.set(tag, { type, offset, count });
    }
  }

  /** Undefined when the blob is no header: its sizes do not fit. */
  static parse(blob: Buffer): RpmHeader | undefined {
    if (blob.length < prefixBytes) return undefined;
    const [entryCount, dataBytes] = [blob.readUInt32BE(0), blob.readUInt32BE(4)];
    if (entryCount === 0 || entryCount > maxEntries) return undefined;
    if (prefixBytes + entryCount * entryBytes + dataBytes > blob.length) return undefined;
    return new RpmHeader(blob, entryCount, dataBytes);
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** "" where there is no such text. */
  text(tag: number): string {
    return this.texts(tag)?.[0] ?? '';
  }

  /** All strings of a tag; none where it is missing, undefined where they are not what the index says. */
  texts(tag: number): string[] | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    if (!stringTypes.has(entry.type)) return undefined;
    const count = entry.type === Type.string ? 1 : entry.count;
    // Each has its end at least, so that a count beyond the data is a lie.
    if (count > this.#data.length - entry.offset) return undefined;
    const found: string[] = [];
    for (let start = entry.offset; found.length < count; ) {
      const end = this.#data.indexOf(0, start);
      if (end < 0) return undefined;
      found.push(textOfBytes(this.#data.subarray(start, end)));
      start = end + 1;
    }
    return found;
  }

  /** All integers of a tag; none where it is missing, undefined where they are not what the index says. */
  numbers(tag: number): number[] | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const width = widths[entry.type];
    if (width === undefined || entry.offset + entry.count * width > this.#data.length) return undefined;
    const found: number[] = [];
    for (let at = 0; at < entry.count; at++) found.push(this.#data.readUIntBE(entry.offset + at * width, width));
    return found;
  }
}
