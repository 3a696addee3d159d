import { DatabaseDamage, maxHeaderBytes, maxHeaders, type ReadBytes, readExactly } from './pages.ts';

const metaBytes = 72;
const hashMagic = 0x061561;
const pageHeaderBytes = 26;
const PageType = { hashUnsorted: 2, overflow: 7, hash: 13 } as const;
const ItemType = { keyData: 1, offPage: 3 } as const;
const offPageBytes = 12;
const maxPages = 4_000_000;

/**
 * The headers of a Packages file (Berkeley DB hash; RHEL to 8, Amazon Linux 2). Little-endian ones only, which is what x86 and
 * ARM write. Keys are numbers of packages; number 0 keeps the next one that is free.
 * @see https://github.com/berkeleydb/libdb/blob/master/src/dbinc/db_page.h
 * @throws {DatabaseDamage} after what could be read was told
 */
export function* headersOfBerkeley(read: ReadBytes): Generator<Buffer> {
  const meta = readExactly(read, 0, metaBytes, 'its beginning');
  if (meta.readUInt32LE(12) !== hashMagic) throw new DatabaseDamage('it is no little-endian hash of Berkeley DB');
  const [pageBytes, lastPage] = [meta.readUInt32LE(20), meta.readUInt32LE(32)];
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    throw new DatabaseDamage(`pages of ${pageBytes} bytes`);
  const page = (number: number): Buffer => readExactly(read, number * pageBytes, pageBytes, `page ${number}`);
  let found = 0;
  for (let number = 1; number <= Math.min(lastPage, maxPages); number++) {
    const current = page(number);
    const type = current.readUInt8(25);
    if (type !== PageType.hash && type !== PageType.hashUnsorted) continue;
    for (const blob of blobsOf(current, page)) {
      if (++found > maxHeaders) throw new DatabaseDamage(`it has more than ${maxHeaders} packages`);
      yield blob;
    }
  }
}

/** Items of a hash page are keys and values in turn, told by their places, which go down from the end of the page. */
function* blobsOf(page: Buffer, pageAt: (number: number) => Buffer): Generator<Buffer> {
  const places: number[] = [];
  const count = page.readUInt16LE(20);
  if (pageHeaderBytes + count * 2 > page.length) throw new DatabaseDamage(`a page claims ${count} items`);
  for (let at = 0; at < count; at++) places.push(page.readUInt16LE(pageHeaderBytes + at * 2));
  for (let at = 1; at < count; at += 2) {
    const [key = 0, value = 0] = [places[at - 1], places[at]];
    if (value >= key || key >= page.length) throw new DatabaseDamage('items of a page overlap');
    const type = page.readUInt8(value);
    if (type === ItemType.keyData) {
      // Of number 0: four bytes, too few for a header.
      if (key - value > 8) yield page.subarray(value + 1, key);
    } else if (type === ItemType.offPage && value + offPageBytes <= page.length)
      yield overflowing(page.readUInt32LE(value + 4), page.readUInt32LE(value + 8), pageAt);
    else throw new DatabaseDamage(`an item of type ${type}`);
  }
}

function overflowing(first: number, length: number, pageAt: (number: number) => Buffer): Buffer {
  if (length > maxHeaderBytes) throw new DatabaseDamage(`a package of ${length} bytes`);
  const parts: Buffer[] = [];
  let missing = length;
  for (let number = first; missing > 0; ) {
    const page = pageAt(number);
    const used = Math.min(page.readUInt16LE(22), page.length - pageHeaderBytes);
    if (page.readUInt8(25) !== PageType.overflow || used === 0)
      throw new DatabaseDamage(`page ${number} does not go on with a package`);
    const part = page.subarray(pageHeaderBytes, pageHeaderBytes + Math.min(used, missing));
    parts.push(part);
    missing -= part.length;
    number = page.readUInt32LE(16);
  }
  return Buffer.concat(parts);
}
