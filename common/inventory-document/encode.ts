import { once } from 'node:events';
import { constants, createZstdCompress } from 'node:zlib';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { InventoryPart } from '../../proto/generated/tallyman/v1/inventory.ts';
import type { Inventory, InventoryFile } from '../inventory.ts';
import { toColumns } from './columns.ts';
import { documentLimits, documentVersion, InventoryDocumentError } from './limits.ts';

/**
 * Writes an inventory as the document of proto/tallyman/v1/inventory.proto. Files are handed over as they are found; they are
 * compressed at once, so that memory holds the compressed document and little else.
 */
export class InventoryEncoder {
  readonly #compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 6 } });
  readonly #chunks: Buffer[] = [];
  #compressedBytes = 0;
  #rawBytes = 0;
  #files: InventoryFile[] = [];
  #fileCount = 0;
  #problem: Error | undefined;

  constructor(layers: readonly string[]) {
    this.#compress.on('data', (chunk: Buffer) => {
      this.#compressedBytes += chunk.length;
      if (this.#compressedBytes > documentLimits.maxDocumentBytes) this.#fail('it is too large compressed');
      else this.#chunks.push(chunk);
    });
    this.#compress.on('error', (error) => {
      this.#problem ??= error;
    });
    this.#part({ $case: 'head', value: { version: documentVersion, layers: [...layers] } });
  }

  /** In order of path. */
  addFiles(files: readonly InventoryFile[]): void {
    for (const file of files) {
      this.#files.push(file);
      this.#fileCount++;
      if (this.#files.length >= documentLimits.filesPerPart) this.#flushFiles();
    }
  }

  /**
   * Adds what is not told by files, which are taken from `addFiles` alone.
   * @throws InventoryDocumentError inventory-too-large
   */
  async finish({ packages, problems, distribution }: Inventory): Promise<Buffer> {
    this.#flushFiles();
    for (let at = 0; at < packages.length; at += documentLimits.packagesPerPart) {
      const group = packages.slice(at, at + documentLimits.packagesPerPart).map(({ layer, ...found }) => ({
        ...found,
        licenses: [...found.licenses],
        directories: [...found.directories],
        layerNumber: layer + 1,
      }));
      this.#part({ $case: 'packages', value: { packages: group } });
    }
    this.#part({
      $case: 'problems',
      value: {
        problems: [...problems],
        distribution: distribution && { ...distribution, idLike: [...distribution.idLike] },
        packageCount: packages.length,
        fileCount: this.#fileCount,
      },
    });
    const ended = once(this.#compress, 'end');
    this.#compress.end();
    await ended;
    if (this.#problem !== undefined) throw this.#problem;
    return Buffer.concat(this.#chunks);
  }

  /** Lets go of what has been written. */
  close(): void {
    this.#compress.destroy();
    this.#chunks.length = 0;
  }

  #flushFiles(): void {
    if (this.#files.length === 0) return;
    const files = this.#files;
    this.#files = [];
    this.#part({ $case: 'files', value: toColumns(files) });
  }

  #part(part: InventoryPart['part']): void {
    if (this.#problem !== undefined) return;
    const bytes = InventoryPart.encode({ part }).finish();
    this.#rawBytes += bytes.length;
    if (bytes.length > documentLimits.maxPartBytes) this.#fail('a part of it is too large');
    else if (this.#rawBytes > documentLimits.maxRawBytes) this.#fail('it is too large');
    else this.#compress.write(new BinaryWriter().bytes(bytes).finish());
  }

  #fail(reason: string): void {
    this.#problem ??= new InventoryDocumentError('inventory-too-large', `the inventory cannot be sent: ${reason}`);
  }
}
