import type { InventoryFiles } from '../../proto/generated/tallyman/v1/inventory.ts';
import { type InventoryFile, inventoryLimits } from '../inventory.ts';
import { digestAlgorithms, digestBytes } from './columns.ts';
import { InventoryDocumentError } from './limits.ts';

const none: readonly number[] = [];

/**
 * Adds the files of a group to `files`; `previous` is the path before them. Answers the highest package that they name, or -1.
 * @throws InventoryDocumentError columns that do not fit together, paths that are none or out of order
 */
export function fromColumns(
  columns: InventoryFiles,
  previous: string,
  layerCount: number,
  files: InventoryFile[],
): number {
  const count = columns.rests.length;
  for (const column of [
    ...[columns.sharedLengths, columns.kinds, columns.ownerCounts, columns.evidenceCounts, columns.layers],
    ...[columns.sizesBytes, columns.modes, columns.digestAlgorithms],
  ])
    if (column.length !== count) throw malformed('its columns have different lengths');
  const reader = new ColumnReader(columns, layerCount);
  let last = previous;
  let within = '';
  for (let row = 0; row < count; row++) {
    const path = within.slice(0, columns.sharedLengths[row]) + columns.rests[row];
    if ((columns.sharedLengths[row] ?? 0) > within.length || !isPath(path)) throw malformed('a path is none');
    if (path <= last) throw malformed('its paths are out of order');
    files.push(reader.file(row, path));
    last = path;
    within = path;
  }
  reader.end();
  return reader.highestPackage;
}

function isPath(path: string): boolean {
  return path.length > 1 && path.length <= inventoryLimits.maxPathBytes && path.startsWith('/') && !path.includes('\0');
}

/** Takes the columns that have not one value for each file from their beginning on. */
class ColumnReader {
  readonly #columns: InventoryFiles;
  readonly #layerCount: number;
  #owner = 0;
  #evidence = 0;
  #link = 0;
  #digest = 0;
  highestPackage = -1;

  constructor(columns: InventoryFiles, layerCount: number) {
    this.#columns = columns;
    this.#layerCount = layerCount;
  }

  file(row: number, path: string): InventoryFile {
    const { kinds, linkTargets, ownerCounts, owners, evidenceCounts, evidenceOf, layers, sizesBytes, modes } =
      this.#columns;
    const isLink = kinds[row] === 1;
    const layer = layers[row] ?? 0;
    if (layer >= Math.max(1, this.#layerCount)) throw malformed('a file is in a layer that there is not');
    const file: InventoryFile = {
      ...{ path, kind: isLink ? 'symlink' : 'file', linkTarget: isLink ? (linkTargets[this.#link++] ?? '') : '' },
      owners: this.#packages(owners, this.#owner, ownerCounts[row] ?? 0, inventoryLimits.maxOwnersPerFile),
      evidenceOf: this.#packages(
        ...([evidenceOf, this.#evidence, evidenceCounts[row] ?? 0, inventoryLimits.maxEvidencePerFile] as const),
      ),
      ...{ layer, sizeBytes: Number(sizesBytes[row] ?? 0n), mode: (modes[row] ?? 0) & 0o7777 },
      declaredDigest: this.#takeDigest(row),
    };
    this.#owner += ownerCounts[row] ?? 0;
    this.#evidence += evidenceCounts[row] ?? 0;
    if (file.linkTarget.length > inventoryLimits.maxPathBytes) throw malformed('a link is too long');
    return file;
  }

  /** What is left over belongs to nobody. */
  end(): void {
    const { owners, evidenceOf, linkTargets, digests } = this.#columns;
    const isUsed = this.#owner === owners.length && this.#evidence === evidenceOf.length;
    if (!isUsed || this.#link !== linkTargets.length || this.#digest !== digests.length)
      throw malformed('its columns do not fit together');
  }

  #packages(all: readonly number[], from: number, count: number, most: number): readonly number[] {
    if (count === 0) return none;
    if (count > most || from + count > all.length) throw malformed('a file names too many packages');
    const found = all.slice(from, from + count);
    for (const position of found) this.highestPackage = Math.max(this.highestPackage, position);
    return found;
  }

  #takeDigest(row: number): string {
    const algorithm = this.#columns.digestAlgorithms[row] ?? 0;
    if (algorithm === 0) return '';
    const length = digestBytes[algorithm];
    if (length === undefined) throw malformed('a digest is of no known kind');
    const bytes = this.#columns.digests.subarray(this.#digest, this.#digest + length);
    if (bytes.length !== length) throw malformed('a digest is cut');
    this.#digest += length;
    return `${digestAlgorithms[algorithm]}:${Buffer.from(bytes).toString('hex')}`;
  }
}

function malformed(reason: string): InventoryDocumentError {
  return new InventoryDocumentError('inventory-malformed', `the inventory cannot be read: ${reason}`);
}
