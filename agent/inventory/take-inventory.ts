import { errorText } from '../../common/errors.ts';
import type { Distribution, InventoryFile, InventoryPackage, InventoryProblem } from '../../common/inventory.ts';
import type { PackageReader, TreeEntry } from './image-tree.ts';
import { InventoryBuilder } from './inventory-builder.ts';
import { isInventoryError } from './inventory-error.ts';
import type { LayeredTree } from './layered-tree.ts';
import { readDistribution } from './os-release.ts';
import type { Pacer } from './pacer.ts';
import { packageReaders } from './readers.ts';

export interface TakenInventory {
  distribution: Distribution | undefined;
  packages: readonly InventoryPackage[];
  problems: readonly InventoryProblem[];
  /** By path; made one by one. */
  files(): Iterable<InventoryFile>;
}

/** Entries that one reader may want of a tree. */
const maxWanted = 100_000;

/** Runs all readers over a tree, in this process. What an image has in it never makes it throw. */
export async function takeInventory(
  tree: LayeredTree,
  pacer: Pacer,
  readers: readonly PackageReader[] = packageReaders,
): Promise<TakenInventory> {
  const builder = new InventoryBuilder(tree, pacer);
  for (const problem of tree.problems) builder.addProblem(problem);
  const distribution = distributionOf(tree, builder);
  const wanted = wantedBy(readers, tree, builder);
  for (const [index, reader] of readers.entries()) {
    if (pacer.look()) break;
    builder.reader = reader.name;
    try {
      await reader.read(tree, wanted[index] ?? [], builder);
    } catch (error) {
      const code = isInventoryError(error) ? error.code : 'malformed';
      builder.addProblem({ reader: reader.name, path: '/', code, reason: errorText(error) });
    }
  }
  if (pacer.expired) {
    const reason = 'the time for the inventory is used up: packages are missing';
    builder.addProblem({ reader: 'tree', path: '/', code: 'timeout', reason });
  }
  return { distribution, packages: builder.packages, problems: builder.problems, files: () => builder.files() };
}

function distributionOf(tree: LayeredTree, builder: InventoryBuilder): Distribution | undefined {
  try {
    return readDistribution(tree);
  } catch (error) {
    const code = isInventoryError(error) ? error.code : 'malformed';
    builder.addProblem({ reader: 'os-release', path: '/etc/os-release', code, reason: errorText(error) });
    return undefined;
  }
}

function wantedBy(readers: readonly PackageReader[], tree: LayeredTree, builder: InventoryBuilder): TreeEntry[][] {
  const wanted = readers.map((): TreeEntry[] => []);
  for (const entry of tree.entries()) {
    if (builder.exhausted) break;
    for (const [index, reader] of readers.entries()) {
      const list = wanted[index];
      if (list === undefined || !reader.wants(entry)) continue;
      if (list.length < maxWanted) list.push(entry);
      else {
        const reason = `more than ${maxWanted} files are of its kind: the rest is left out`;
        builder.addProblem({ reader: reader.name, path: '/', code: 'limit', reason });
      }
    }
  }
  return wanted;
}
