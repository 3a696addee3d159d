import type { ByteReader } from './byte-reader.ts';

const maxNameBytes = 255;

/**
 * A name as text: lower case, without the final dot; bytes that are not printable ASCII, and dots and backslashes within a
 * label, as \DDD (RFC 4343), so that two names never become one text. Empty for the root. Pointers may only lead back, as
 * RFC 1035 4.1.4 has it, and each must lead further back than the one before, so that they come to an end.
 * @throws {RangeError} for what is no name.
 */
export function readName(reader: ByteReader): string {
  const labels: string[] = [];
  let lowest = reader.at;
  let after: number | undefined;
  let nameBytes = 0;
  for (;;) {
    const length = reader.u8();
    if (length === 0) break;
    if (length >= 0xc0) {
      const target = (length & 0x3f) * 0x100 + reader.u8();
      if (target >= lowest) throw new RangeError('a pointer that does not lead back');
      lowest = target;
      after ??= reader.at;
      reader.moveTo(target);
      continue;
    }
    if (length > 63) throw new RangeError('a label of a kind that is not used');
    nameBytes += length + 1;
    if (nameBytes > maxNameBytes) throw new RangeError('a name that is too long');
    labels.push(textOf(reader.bytes(length)).replaceAll('.', '\\046').toLowerCase());
  }
  if (after !== undefined) reader.moveTo(after);
  return labels.join('.');
}

/** Printable ASCII as it is; other bytes and backslashes as \DDD. */
export function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes)
    text +=
      byte > 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
  return text;
}
