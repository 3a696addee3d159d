import { DatabaseDamage, maxHeaderBytes, maxHeaders, type ReadBytes, readExactly } from './pages.ts';

const pageBytes = 4_096;
const slotBytes = 16;
const blockBytes = 16;
/** The file's own header takes the place of the first two slots. */
const fileHeaderBytes = 32;
const maxSlotPages = 4_096;
const magic = { file: 0x506d7052, slot: 0x746f6c53, blob: 0x53626c42 } as const;

/**
 * The headers of a Packages.db ("ndb", openSUSE). Little-endian, in blocks of 16 bytes.
 * @see https://github.com/rpm-software-management/rpm/blob/master/lib/backend/ndb/rpmpkg.c
 * @throws {DatabaseDamage} after what could be read was told
 */
export function* headersOfNdb(read: ReadBytes): Generator<Buffer> {
  const header = readExactly(read, 0, fileHeaderBytes, 'its beginning');
  if (header.readUInt32LE(0) !== magic.file) throw new DatabaseDamage('it does not begin as a Packages.db does');
  if (header.readUInt32LE(4) !== 0) throw new DatabaseDamage(`version ${header.readUInt32LE(4)} is not known`);
  const slotPages = header.readUInt32LE(12);
  if (slotPages === 0 || slotPages > maxSlotPages) throw new DatabaseDamage(`it has ${slotPages} pages of slots`);
  const slots = readExactly(read, 0, slotPages * pageBytes, 'its table of slots');
  let found = 0;
  for (let at = fileHeaderBytes; at < slots.length; at += slotBytes) {
    if (slots.readUInt32LE(at) !== magic.slot) throw new DatabaseDamage(`no slot begins at ${at}`);
    const [package_, block, blockCount] = [
      slots.readUInt32LE(at + 4),
      slots.readUInt32LE(at + 8),
      slots.readUInt32LE(at + 12),
    ];
    if (block === 0 || package_ === 0) continue;
    if (++found > maxHeaders) throw new DatabaseDamage(`it has more than ${maxHeaders} packages`);
    yield blobOf(read, package_, block, blockCount);
  }
}

function blobOf(read: ReadBytes, package_: number, block: number, blockCount: number): Buffer {
  const what = `package ${package_}`;
  const head = readExactly(read, block * blockBytes, blockBytes, what);
  if (head.readUInt32LE(0) !== magic.blob || head.readUInt32LE(4) !== package_)
    throw new DatabaseDamage(`${what} is not where its slot says`);
  const length = head.readUInt32LE(12);
  if (length > maxHeaderBytes || length > blockCount * blockBytes)
    throw new DatabaseDamage(`${what} has ${length} bytes, more than its place or than are read`);
  return readExactly(read, (block + 1) * blockBytes, length, what);
}
