import type { Inventory, InventoryFile, InventoryPackage } from '../../common/inventory.ts';
import type { Component, Ownership } from '../records/papers.ts';
import type { ContainedSide } from './image-truth.ts';

/** Problems after which packages may be missing. */
const hiding: ReadonlySet<string> = new Set([
  'malformed',
  'too-large',
  'unsupported',
  'unreadable',
  'limit',
  'timeout',
]);

/** An inventory as one of the sides that are compared. */
export class InventorySide implements ContainedSide {
  readonly components: readonly Component[];
  readonly ownedFileCount: number;
  readonly incomplete: string;
  readonly #files: readonly InventoryFile[];
  readonly #byPath: Map<string, InventoryFile>;
  readonly #directories = new Map<string, number>();

  constructor({ packages, files, problems, layers }: Inventory) {
    this.components = packages.map((found) => componentOf(found, layers));
    this.#files = files;
    this.#byPath = new Map(files.map((file) => [file.path, file]));
    this.ownedFileCount = files.filter(({ owners }) => owners.length > 0).length;
    for (const [number, { directories }] of packages.entries())
      for (const directory of directories) this.#directories.set(directory, number);
    const problem = problems.find(({ code }) => hiding.has(code));
    this.incomplete = problem === undefined ? '' : `${problem.reader} ${problem.path}: ${problem.reason}`;
  }

  ownerOf(path: string): Ownership {
    const file = this.#byPath.get(path);
    if (file === undefined) return { state: 'not-in-image', path, reason: 'the inventory does not have this file' };
    if (file.owners.length > 0) return this.#owned(path, file.owners, 'exact');
    const inDirectory = this.#directoryOwner(path);
    if (inDirectory !== undefined) return this.#owned(path, [inDirectory], 'directory');
    if (file.evidenceOf.length > 0) return this.#owned(path, file.evidenceOf, 'evident');
    return { state: 'unowned', path, reason: 'no package of the inventory has this file' };
  }

  *files(): Generator<{ path: string; digest: string }> {
    for (const { path, declaredDigest } of this.#files) yield { path, digest: declaredDigest };
  }

  #owned(path: string, numbers: readonly number[], method: 'exact' | 'directory' | 'evident'): Ownership {
    const owners = numbers.flatMap((number) => this.components[number] ?? []);
    return { state: 'owned', owners, method, confidence: method === 'exact' ? 'high' : 'medium', path };
  }

  #directoryOwner(path: string): number | undefined {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const owner = this.#directories.get(path.slice(0, end));
      if (owner !== undefined) return owner;
    }
    return undefined;
  }
}

function componentOf(found: InventoryPackage, layers: readonly string[]): Component {
  const { purl, name, version, type, sourceName, sourceVersion, layer, location } = found;
  return {
    ...{ purl, name, version, type, location },
    sourceName: sourceName || undefined,
    sourceVersion: sourceVersion || undefined,
    layerDigest: layers[layer] || undefined,
  };
}
