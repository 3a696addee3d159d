import { DatabaseDamage, maxHeaderBytes, maxHeaders, type ReadBytes } from './pages.ts';
import { SqlitePages } from './sqlite-pages.ts';

const interiorTable = 0x05;
const leafTable = 0x0d;
const fileHeaderBytes = 100;
const schemaRoot = 1;
const maxPages = 4_000_000;
const maxDepth = 20;
const maxSchemaRows = 1_000;

/** A value of a record: numbers, texts and blobs as bytes; undefined for NULL and what is of no use here. */
type Value = number | Buffer | undefined;

/**
 * The headers of an rpmdb.sqlite: column `blob` of table `Packages`. Read here and not by SQLite, because the image chooses
 * what is in the file: a schema can make SQLite work for ever, and an agent has no use for it otherwise.
 * @see https://www.sqlite.org/fileformat2.html (1.5 B-tree pages, 2.1 record format)
 * @throws {DatabaseDamage} after what could be read was told
 */
export function* headersOfSqlite(read: ReadBytes, readWal: ReadBytes | undefined): Generator<Buffer> {
  const pages = new SqlitePages(read, readWal);
  let found = 0;
  for (const payload of rowsOf(pages, rootOf(pages, 'Packages'))) {
    const blob = columnsOf(payload)[1];
    if (!Buffer.isBuffer(blob)) throw new DatabaseDamage('a row of Packages has no blob');
    if (++found > maxHeaders) throw new DatabaseDamage(`it has more than ${maxHeaders} packages`);
    yield blob;
  }
}

function rootOf(pages: SqlitePages, table: string): number {
  let rows = 0;
  for (const payload of rowsOf(pages, schemaRoot)) {
    if (++rows > maxSchemaRows) break;
    const [type, name, , root] = columnsOf(payload);
    if (type?.toString() === 'table' && name?.toString() === table && typeof root === 'number') return root;
  }
  throw new DatabaseDamage(`it has no table ${table}`);
}

/** Payloads of a table, in order. Each page counts once, so that pages that lead round in a circle end. */
function* rowsOf(pages: SqlitePages, root: number): Generator<Buffer> {
  const seen = new Set<number>();
  const pending = [{ number: root, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { number, depth } = next;
    if (seen.has(number) || seen.size > maxPages || depth > maxDepth)
      throw new DatabaseDamage(`its pages do not make a tree (at page ${number})`);
    seen.add(number);
    const page = pages.page(number);
    const start = number === 1 ? fileHeaderBytes : 0;
    const type = page.readUInt8(start);
    if (type === leafTable) yield* leafRows(pages, page, start);
    else if (type === interiorTable)
      for (const child of childrenOf(page, start)) pending.push({ number: child, depth: depth + 1 });
    else throw new DatabaseDamage(`page ${number} is of type ${type}, which tables do not have`);
  }
}

/** The last child first, for a stack. */
function* childrenOf(page: Buffer, start: number): Generator<number> {
  yield page.readUInt32BE(start + 8);
  const cells = cellsOf(page, start, 12);
  for (const cell of cells.reverse()) yield within(page, cell, 4).readUInt32BE(0);
}

function* leafRows(pages: SqlitePages, page: Buffer, start: number): Generator<Buffer> {
  for (const cell of cellsOf(page, start, 8)) {
    const [length, lengthBytes] = readVarint(page, cell);
    const [, rowIdBytes] = readVarint(page, cell + lengthBytes);
    if (length > maxHeaderBytes) throw new DatabaseDamage(`a row has ${length} bytes`);
    yield payloadOf(pages, page, cell + lengthBytes + rowIdBytes, length);
  }
}

function cellsOf(page: Buffer, start: number, pageHeaderBytes: number): number[] {
  const count = page.readUInt16BE(start + 3);
  const pointers = within(page, start + pageHeaderBytes, count * 2);
  return Array.from({ length: count }, (_, at) => pointers.readUInt16BE(at * 2));
}

/** What does not fit into the page is in a chain of others. */
function payloadOf(pages: SqlitePages, page: Buffer, at: number, length: number): Buffer {
  const { usableBytes } = pages;
  const maxLocal = usableBytes - 35;
  if (length <= maxLocal) return within(page, at, length);
  const minLocal = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const surplus = minLocal + ((length - minLocal) % (usableBytes - 4));
  const local = surplus <= maxLocal ? surplus : minLocal;
  const parts: Buffer[] = [within(page, at, local)];
  let missing = length - local;
  for (let next = within(page, at + local, 4).readUInt32BE(0); missing > 0; ) {
    const overflow = pages.page(next);
    const part = overflow.subarray(4, Math.min(usableBytes, 4 + missing));
    parts.push(part);
    missing -= part.length;
    next = overflow.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

function columnsOf(payload: Buffer): Value[] {
  const [headerBytes, first] = readVarint(payload, 0);
  const values: Value[] = [];
  for (let at = first, data = headerBytes; at < headerBytes; ) {
    const [serialType, bytes] = readVarint(payload, at);
    const length = lengthOf(serialType);
    values.push(columnOf(serialType, within(payload, data, length)));
    at += bytes;
    data += length;
  }
  return values;
}

function lengthOf(serialType: number): number {
  if (serialType >= 12) return Math.floor((serialType - 12) / 2);
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][serialType] ?? 0;
}

function columnOf(serialType: number, bytes: Buffer): Value {
  if (serialType >= 12) return bytes;
  if (serialType === 8 || serialType === 9) return serialType - 8;
  return serialType >= 1 && serialType <= 5 ? bytes.readIntBE(0, bytes.length) : undefined;
}

/** At most 2^53, which is more than any length here may be. */
function readVarint(bytes: Buffer, at: number): [value: number, bytes: number] {
  let value = 0;
  for (let count = 0; count < 9; count++) {
    const byte = bytes[at + count];
    if (byte === undefined) break;
    if (count === 8) return [value * 256 + byte, 9];
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, count + 1];
  }
  throw new DatabaseDamage('a number lies beyond the end of its page');
}

function within(bytes: Buffer, start: number, length: number): Buffer {
  if (start + length <= bytes.length) return bytes.subarray(start, start + length);
  throw new DatabaseDamage('a part of a page lies beyond its end');
}
