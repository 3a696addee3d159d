/** Bytes of a database file; fewer at its end. */
export type ReadBytes = (offset: number, length: number) => Buffer;

/** Of one package; the largest real ones have some MiB. */
export const maxHeaderBytes = 64 * 1024 * 1024;
export const maxHeaders = 100_000;

/** A database that cannot be read on, said of the place where it was. */
export class DatabaseDamage extends Error {
  override readonly name = 'DatabaseDamage';
}

/** Exactly so many bytes. @throws {DatabaseDamage} */
export function readExactly(read: ReadBytes, offset: number, length: number, what: string): Buffer {
  const bytes = read(offset, length);
  if (bytes.length === length) return bytes;
  throw new DatabaseDamage(`${what} lies beyond the end of the file`);
}

export function bytesOf(buffer: Buffer): ReadBytes {
  return (offset, length) => buffer.subarray(Math.min(offset, buffer.length), offset + length);
}
