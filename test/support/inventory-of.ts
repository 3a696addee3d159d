import type { PackageReader } from '../../agent/inventory/image-tree.ts';
import { takeInventory } from '../../agent/inventory/take-inventory.ts';
import type { InventoryFile, InventoryPackage, InventoryProblem } from '../../common/inventory.ts';
import { type LayerItem, makeLayers, treeOf, unhurried } from './layer-directory.ts';

export interface SmallInventory {
  packages: readonly InventoryPackage[];
  problems: readonly InventoryProblem[];
  files: Map<string, InventoryFile>;
  /** Name of the first owner, by path, of files that have one. */
  owners: Record<string, string>;
}

/** What these readers, or all, find in layers that consist of this. */
export async function inventoryOf(
  layers: readonly Record<string, LayerItem>[],
  readers?: readonly PackageReader[],
): Promise<SmallInventory> {
  const { directories, remove } = makeLayers(...layers);
  const tree = treeOf(directories);
  try {
    const { packages, problems, files } = await takeInventory(tree, unhurried(), readers);
    const all = [...files()];
    const owned = all.filter(({ owners }) => owners.length > 0);
    const owners = Object.fromEntries(owned.map((file) => [file.path, packages[file.owners[0] ?? -1]?.name ?? '']));
    return { packages, problems, files: new Map(all.map((file) => [file.path, file])), owners };
  } finally {
    tree.close();
    remove();
  }
}
