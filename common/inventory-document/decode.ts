import { setImmediate } from 'node:timers/promises';
import { createZstdDecompress } from 'node:zlib';
import {
  type InventoryHead,
  InventoryPart,
  type InventoryProblems,
} from '../../proto/generated/tallyman/v1/inventory.ts';
import { errorText } from '../errors.ts';
import type { Inventory, InventoryFile, InventoryPackage, InventoryProblem } from '../inventory.ts';
import { inventoryLimits } from '../inventory.ts';
import { fromColumns } from './from-columns.ts';
import { documentLimits, documentVersion, InventoryDocumentError } from './limits.ts';
import { narrowPackage, narrowText } from './narrow.ts';

/**
 * Reads a document as agents send it. Whatever is in it, memory and time are bounded; other work gets its turn between parts.
 * @throws InventoryDocumentError: nothing of a document that is damaged or not complete is used
 */
export async function decodeInventory(document: Uint8Array): Promise<Inventory> {
  const reading = new Reading();
  for await (const part of partsOf(document)) {
    reading.take(decodePart(part));
    await setImmediate();
  }
  return reading.end();
}

function decodePart(bytes: Uint8Array): InventoryPart['part'] {
  try {
    return InventoryPart.decode(bytes).part;
  } catch (error) {
    throw malformed(`a part is none: ${errorText(error)}`);
  }
}

async function* partsOf(document: Uint8Array): AsyncGenerator<Buffer> {
  const decompress = createZstdDecompress();
  decompress.end(document);
  let rawBytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of decompress as AsyncIterable<Buffer>) {
      rawBytes += piece.length;
      if (rawBytes > documentLimits.maxRawBytes) throw tooLarge(`more than ${documentLimits.maxRawBytes} bytes`);
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      for (let found = cutPart(rest); found !== undefined; found = cutPart(rest)) {
        yield found.part;
        rest = found.rest;
      }
    }
  } catch (error) {
    if (error instanceof InventoryDocumentError) throw error;
    throw malformed(errorText(error));
  } finally {
    decompress.destroy();
  }
  if (rest.length > 0) throw malformed('it ends within a part');
}

/** Undefined while the part is not complete. */
function cutPart(bytes: Buffer): { part: Buffer; rest: Buffer } | undefined {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (at > 3) throw malformed('the length of a part is none');
    length |= (byte & 0x7f) << (7 * at);
    if (length > documentLimits.maxPartBytes) throw tooLarge('a part of it is');
    if (byte >= 0x80) continue;
    const begin = at + 1;
    if (bytes.length < begin + length) return undefined;
    return { part: bytes.subarray(begin, begin + length), rest: bytes.subarray(begin + length) };
  }
  return undefined;
}

/** What has been read, part by part. */
class Reading {
  readonly #packages: InventoryPackage[] = [];
  readonly #files: InventoryFile[] = [];
  #head: InventoryHead | undefined;
  #end: InventoryProblems | undefined;
  #highestPackage = -1;

  take(part: InventoryPart['part']): void {
    if (this.#end !== undefined) throw malformed('something follows its end');
    if (part?.$case === 'head') this.#takeHead(part.value);
    else if (this.#head === undefined) throw malformed('it does not begin with its head');
    else if (part?.$case === 'packages') this.#takePackages(part.value.packages);
    else if (part?.$case === 'files') this.#takeFiles(part.value, this.#head);
    else if (part?.$case === 'problems') this.#end = part.value;
    else throw malformed('a part is of no known kind');
  }

  end(): Inventory {
    const end = this.#end;
    if (this.#head === undefined || end === undefined) throw malformed('its end is missing');
    if (end.packageCount !== this.#packages.length || end.fileCount !== this.#files.length)
      throw malformed(
        `it announces ${end.packageCount} packages and ${end.fileCount} files, and has ${this.#packages.length} and ${this.#files.length}`,
      );
    if (this.#highestPackage >= this.#packages.length) throw malformed('a file names a package that it does not have');
    if (end.problems.length > inventoryLimits.maxProblems) throw tooLarge('too many problems are');
    return {
      distribution: end.distribution && {
        id: narrowText(end.distribution.id),
        versionId: narrowText(end.distribution.versionId),
        idLike: end.distribution.idLike.slice(0, 32).map(narrowText),
      },
      layers: this.#head.layers,
      packages: this.#packages,
      files: this.#files,
      problems: end.problems.map(narrowProblem),
    };
  }

  #takeHead(head: InventoryHead): void {
    if (this.#head !== undefined) throw malformed('it has two heads');
    if (head.version !== documentVersion) throw malformed(`it has version ${head.version}, not ${documentVersion}`);
    if (head.layers.length > 512) throw tooLarge('more than 512 layers are');
    if (!head.layers.every((digest) => digest === '' || /^sha256:[0-9a-f]{64}$/.test(digest)))
      throw malformed('a layer is no digest');
    this.#head = head;
  }

  #takePackages(found: readonly Parameters<typeof narrowPackage>[0][]): void {
    if (this.#packages.length + found.length > inventoryLimits.maxPackages) throw tooLarge('too many packages are');
    const layers = this.#head?.layers.length ?? 0;
    for (const one of found) this.#packages.push(narrowPackage(one, layers));
  }

  #takeFiles(columns: Parameters<typeof fromColumns>[0], { layers }: InventoryHead): void {
    if (this.#files.length + columns.rests.length > inventoryLimits.maxFiles) throw tooLarge('too many files are');
    const previous = this.#files.at(-1)?.path ?? '';
    this.#highestPackage = Math.max(this.#highestPackage, fromColumns(columns, previous, layers.length, this.#files));
  }
}

function narrowProblem({ reader, path, code, reason }: InventoryProblem): InventoryProblem {
  return { reader: narrowText(reader), path: narrowText(path), code: narrowText(code), reason: narrowText(reason) };
}

function malformed(reason: string): InventoryDocumentError {
  return new InventoryDocumentError('inventory-malformed', `the inventory cannot be read: ${reason}`);
}

function tooLarge(what: string): InventoryDocumentError {
  return new InventoryDocumentError('inventory-too-large', `the inventory is not taken: ${what} too much`);
}
