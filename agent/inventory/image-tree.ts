import type { InventoryPackage, InventoryProblem } from '../../common/inventory.ts';

export interface TreeEntry {
  /** Absolute path in the image, canonical. */
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'other';
  /** 0 is the lowest layer. */
  layer: number;
  sizeBytes: number;
  mode: number;
  /** Of symbolic links. */
  linkTarget: string;
}

/**
 * The file system of an image as its layers make it: whiteouts applied, nothing of a container in it. A path never leaves
 * the image, whatever its links say.
 */
export interface ImageTree {
  readonly layerCount: number;
  /** Links in parents are followed inside the image (at most 40); the last part is not. Undefined: no such entry. */
  find(path: string): TreeEntry | undefined;
  /** As `find`, with the last part followed too. */
  resolve(path: string): TreeEntry | undefined;
  /** Entries of a directory; empty when it is none. */
  list(path: string): readonly TreeEntry[];
  /** Every entry, in no particular order. */
  entries(): Iterable<TreeEntry>;
  /** The whole file, links followed. Throws InventoryError when it is no regular file, is larger, or cannot be read. */
  read(path: string, maxBytes: number): Buffer;
  /** A part of a file, shorter at its end; for formats that are read here and there. */
  readRange(path: string, offset: number, length: number): Buffer;
  /** The same file as it is in that layer or the next one below; for telling which layer brought a package. */
  readAtLayer(path: string, layer: number, maxBytes: number): Buffer | undefined;
  /** Layers that bring this file, as far down as it is the same file that shows; the lowest first. */
  layersWith(path: string): readonly number[];
}

/** Where readers put what they find. All bounds are kept here; beyond them one problem is noted and the rest dropped. */
export interface InventorySink {
  /** Answers its position; the same purl at the same location twice is one package. */
  addPackage(found: InventoryPackage): number;
  /** The database of the package lists this file. Any spelling of the path: it is canonicalised with the image's links. */
  addOwnedFile(owner: number, path: string, declaredDigest?: string): void;
  /** This file is what the package is known from. */
  addEvidence(owner: number, path: string): void;
  addProblem(problem: InventoryProblem): void;
  /** True once the time or the budget of the inventory is used up; long loops stop then. */
  readonly exhausted: boolean;
}

/** Reads one kind of package. What an image contains never makes it throw: it becomes a problem, and the rest is read. Archives are read asynchronously. */
export interface PackageReader {
  /** "dpkg", "npm"… as in InventoryProblem. */
  readonly name: string;
  /** Whether this entry is one to read; asked once for each entry of the tree, so it must be cheap. */
  wants(entry: TreeEntry): boolean;
  /** Called in any case; databases at fixed places are better looked for here with `tree.resolve`, which follows links. */
  read(tree: ImageTree, wanted: readonly TreeEntry[], sink: InventorySink): void | Promise<void>;
}
