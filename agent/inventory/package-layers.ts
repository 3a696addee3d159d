import { errorText } from '../../common/errors.ts';
import type { ImageTree, InventorySink } from './image-tree.ts';

/** Layers whose databases are compared; of an image with more, those above are not told apart. */
const maxDatabases = 64;

export interface PackageDatabase {
  reader: string;
  path: string;
  maxBytes: number;
  /** What is in it: a key for each package in its version. */
  keysOf(bytes: Buffer): Iterable<string>;
}

/**
 * Which layer brought a package: the lowest one whose database has it. A function from the package's key to the position of
 * the layer, -1 where that is not known.
 */
export function layersOfPackages(
  tree: ImageTree,
  sink: InventorySink,
  database: PackageDatabase,
): (key: string) => number {
  if (tree.layerCount === 1) return () => 0;
  const { reader, path, maxBytes } = database;
  const lowest = new Map<string, number>();
  try {
    const layers = tree.layersWith(path);
    for (const layer of layers.slice(0, maxDatabases)) {
      if (sink.exhausted) break;
      const bytes = tree.readAtLayer(path, layer, maxBytes);
      if (bytes === undefined) continue;
      for (const key of database.keysOf(bytes)) if (!lowest.has(key)) lowest.set(key, layer);
    }
  } catch (error) {
    const reason = `${errorText(error)}: which layers brought its packages is not known`;
    sink.addProblem({ reader, path, code: 'unreadable', reason });
  }
  return (key) => lowest.get(key) ?? -1;
}
