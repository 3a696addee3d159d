import { expect, it } from 'vitest';
import type { Inventory, InventoryFile } from '../inventory.ts';
import { decodeInventory } from './decode.ts';
import { InventoryEncoder } from './encode.ts';
import { sampleInventory } from './testing/sample-inventory.ts';

async function documentOf(inventory: Inventory): Promise<Buffer> {
  const encoder = new InventoryEncoder(inventory.layers);
  encoder.addFiles(inventory.files);
  return await encoder.finish({ ...inventory, files: [] });
}

it('tells an inventory as it is', async () => {
  expect(await decodeInventory(await documentOf(sampleInventory))).toEqual(sampleInventory);
});

it('tells one without anything', async () => {
  const empty = { distribution: undefined, layers: [], packages: [], files: [], problems: [] };
  expect(await decodeInventory(await documentOf(empty))).toEqual(empty);
});

it('is small: many files cost a few bytes each', async () => {
  const files = Array.from({ length: 50_000 }, (_, number): InventoryFile => {
    const path = `/usr/share/doc/package-${String(number >> 4).padStart(5, '0')}/file-${String(number).padStart(6, '0')}`;
    const common = { kind: 'file' as const, linkTarget: '', owners: [0], evidenceOf: [], layer: 0, sizeBytes: number };
    return { path, ...common, mode: 0o644, declaredDigest: '' };
  });
  const inventory = { ...sampleInventory, files };
  const document = await documentOf(inventory);
  expect(document.length / files.length).toBeLessThan(8);
  expect((await decodeInventory(document)).files).toEqual(files);
});

it('keeps paths apart that share half of a character', async () => {
  const paths = ['/a/\u{1f600}', '/a/\u{1f601}'];
  const files = paths.map((path) => ({ ...(sampleInventory.files[0] as InventoryFile), path }));
  const decoded = await decodeInventory(await documentOf({ ...sampleInventory, files }));
  expect(decoded.files.map(({ path }) => path)).toEqual(paths);
});

it.each([
  ['paths out of order', (files: InventoryFile[]) => files.toReversed(), 'out of order'],
  [
    'a package that there is not',
    (files: InventoryFile[]) => files.map((file) => ({ ...file, owners: [99] })),
    'names a package',
  ],
  ['a layer that there is not', (files: InventoryFile[]) => files.map((file) => ({ ...file, layer: 7 })), 'layer'],
  [
    'a path that is none',
    (files: InventoryFile[]) => files.map((file) => ({ ...file, path: 'etc' })),
    'a path is none',
  ],
])('refuses %s', async (_, change, reason) => {
  const files = change([...sampleInventory.files]);
  await expect(documentOf({ ...sampleInventory, files }).then(decodeInventory)).rejects.toThrow(reason);
});

it('refuses what is cut, and what only looks like one', async () => {
  const document = await documentOf(sampleInventory);
  await expect(decodeInventory(document.subarray(0, document.length - 20))).rejects.toThrow('cannot be read');
  await expect(decodeInventory(Buffer.alloc(0))).rejects.toThrow('cannot be read');
  await expect(decodeInventory(Buffer.from('no zstd'))).rejects.toThrow('cannot be read');
});
