import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const folder = new URL('../fixtures/rpm/', import.meta.url);

export function rpmFixture(path: string): Buffer {
  return gunzipSync(readFileSync(new URL(path, folder)));
}

/** Lines of a table beside it, their fields apart. */
export function rpmTable(path: string): string[][] {
  return readFileSync(new URL(path, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
}

/**
 * A Packages.db with these headers, as the ndb backend of rpm lays it out: Debian's rpm is built without it.
 * @see https://github.com/rpm-software-management/rpm/blob/master/lib/backend/ndb/rpmpkg.c
 */
export function ndbOf(headers: readonly Buffer[]): Buffer {
  const [pageBytes, blockBytes] = [4_096, 16];
  const slots = Buffer.alloc(pageBytes);
  slots.write('RpmP', 0, 'latin1');
  slots.writeUInt32LE(1, 8);
  slots.writeUInt32LE(1, 12);
  slots.writeUInt32LE(headers.length + 1, 16);
  for (let at = 32; at < pageBytes; at += 16) slots.write('Slot', at, 'latin1');
  const parts: Buffer[] = [slots];
  let block = pageBytes / blockBytes;
  for (const [index, header] of headers.entries()) {
    const blocks = Math.ceil((16 + header.length + 12) / blockBytes);
    const blob = Buffer.alloc(blocks * blockBytes);
    blob.write('BlbS', 0, 'latin1');
    blob.writeUInt32LE(index + 1, 4);
    blob.writeUInt32LE(1, 8);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    blob.writeUInt32LE(header.length, blob.length - 8);
    blob.write('BlbE', blob.length - 4, 'latin1');
    const slot = 32 + index * 16;
    slots.writeUInt32LE(index + 1, slot + 4);
    slots.writeUInt32LE(block, slot + 8);
    slots.writeUInt32LE(blocks, slot + 12);
    parts.push(blob);
    block += blocks;
  }
  return Buffer.concat(parts);
}
