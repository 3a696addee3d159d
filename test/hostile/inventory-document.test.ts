import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { type Inventory, inventoryLimits } from '../../common/inventory.ts';
import { decodeInventory } from '../../common/inventory-document/decode.ts';
import { InventoryEncoder } from '../../common/inventory-document/encode.ts';
import { InventoryDocumentError } from '../../common/inventory-document/limits.ts';
import { sampleInventory } from '../../common/inventory-document/testing/sample-inventory.ts';
import { mutatedBytes, mutationRuns } from './mutations.ts';

let document: Buffer;

beforeAll(async () => {
  const encoder = new InventoryEncoder(sampleInventory.layers);
  encoder.addFiles(sampleInventory.files);
  document = await encoder.finish({ ...sampleInventory, files: [] });
});

/** An inventory that keeps its promises, or an error that says why there is none. */
async function isSound(bytes: Buffer): Promise<void> {
  let inventory: Inventory;
  try {
    inventory = await decodeInventory(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(InventoryDocumentError);
    return;
  }
  let last = '';
  for (const { path, owners, evidenceOf, layer } of inventory.files) {
    expect(path.startsWith('/') && path.length <= inventoryLimits.maxPathBytes && path > last).toBe(true);
    last = path;
    for (const position of [...owners, ...evidenceOf]) expect(inventory.packages[position]).toBeDefined();
    expect(layer === 0 || layer < inventory.layers.length).toBe(true);
  }
  for (const { purl, type, layer } of inventory.packages) {
    expect(purl.startsWith(`pkg:${type}/`)).toBe(true);
    expect(layer).toBeLessThan(inventory.layers.length);
  }
}

it('survives damaged documents', async () => {
  await fc.assert(fc.asyncProperty(mutatedBytes(document), isSound), { numRuns: mutationRuns });
});

it('survives documents of damaged parts', async () => {
  const parts = zstdDecompressSync(document);
  await fc.assert(
    fc.asyncProperty(mutatedBytes(parts), (bytes) => isSound(zstdCompressSync(bytes))),
    { numRuns: 4 * mutationRuns },
  );
});

it('ends with what is unpacked without end', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  await expect(decodeInventory(bomb)).rejects.toBeInstanceOf(InventoryDocumentError);
});
