import { dirname } from 'node:path/posix';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../../agent/inventory/image-tree.ts';
import { InventoryError } from '../../agent/inventory/inventory-error.ts';
import type { InventoryPackage, InventoryProblem } from '../../common/inventory.ts';

/** What is at a path; the mode is 0o644 unless it is given. */
export type MemoryFile = string | Buffer | { bytes: Buffer; mode?: number; layer?: number } | { link: string };

interface Node extends TreeEntry {
  /** Of each layer that has it, the highest first. */
  versions: { layer: number; bytes: Buffer }[];
}

const maxLinks = 40;

/** A file system of an image that is only in memory. */
export class MemoryTree implements ImageTree {
  readonly #nodes = new Map<string, Node>();
  readonly layerCount: number;

  /** Later files at the same path are of a higher layer, as their `layer` says. */
  constructor(files: readonly (readonly [path: string, file: MemoryFile])[]) {
    this.#nodes.set('/', { ...empty, path: '/', kind: 'directory', versions: [] });
    for (const [path, file] of files) this.#add(path, file);
    this.layerCount = Math.max(0, ...[...this.#nodes.values()].map(({ layer }) => layer)) + 1;
  }

  find(path: string): TreeEntry | undefined {
    return this.#walk(path, false);
  }

  resolve(path: string): TreeEntry | undefined {
    return this.#walk(path, true);
  }

  list(path: string): readonly TreeEntry[] {
    const directory = this.resolve(path);
    if (directory?.kind !== 'directory') return [];
    return [...this.#nodes.values()].filter((node) => node.path !== '/' && dirname(node.path) === directory.path);
  }

  entries(): Iterable<TreeEntry> {
    return this.#nodes.values();
  }

  read(path: string, maxBytes: number): Buffer {
    const { bytes } = this.#version(path);
    if (bytes.length > maxBytes) throw new InventoryError('too-large', `${path} is larger than ${maxBytes} bytes`);
    return bytes;
  }

  readRange(path: string, offset: number, length: number): Buffer {
    return this.#version(path).bytes.subarray(offset, offset + length);
  }

  readAtLayer(path: string, layer: number, maxBytes: number): Buffer | undefined {
    const bytes = this.#walk(path, true)?.versions.find((version) => version.layer <= layer)?.bytes;
    return bytes === undefined || bytes.length > maxBytes ? undefined : bytes;
  }

  layersWith(path: string): readonly number[] {
    return (this.#walk(path, true)?.versions ?? []).map(({ layer }) => layer).toSorted((a, b) => a - b);
  }

  #version(path: string): { bytes: Buffer } {
    const version = this.#walk(path, true)?.versions[0];
    if (version === undefined) throw new InventoryError('unreadable', `${path} is no regular file`);
    return version;
  }

  #walk(path: string, followLast: boolean): Node | undefined {
    let at = '/';
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    for (let links = 0; parts.length > 0; ) {
      const part = parts.shift()!;
      if (part === '..') {
        at = dirname(at);
        continue;
      }
      const next = at === '/' ? `/${part}` : `${at}/${part}`;
      const node = this.#nodes.get(next);
      if (node === undefined) return undefined;
      if (node.kind !== 'symlink' || (parts.length === 0 && !followLast)) at = next;
      else {
        if (++links > maxLinks) return undefined;
        if (node.linkTarget.startsWith('/')) at = '/';
        parts.unshift(...node.linkTarget.split('/').filter((each) => each !== '' && each !== '.'));
      }
    }
    return this.#nodes.get(at);
  }

  #add(path: string, file: MemoryFile): void {
    for (let parent = dirname(path); !this.#nodes.has(parent); parent = dirname(parent))
      this.#nodes.set(parent, { ...empty, path: parent, kind: 'directory', versions: [] });
    if (typeof file === 'object' && 'link' in file) {
      this.#nodes.set(path, { ...empty, path, kind: 'symlink', linkTarget: file.link, versions: [] });
      return;
    }
    const {
      bytes,
      mode = 0o644,
      layer = 0,
    } = typeof file === 'string' || Buffer.isBuffer(file) ? { bytes: Buffer.from(file) } : file;
    const older = this.#nodes.get(path)?.versions ?? [];
    const versions = [{ layer, bytes }, ...older];
    this.#nodes.set(path, { path, kind: 'file', layer, sizeBytes: bytes.length, mode, linkTarget: '', versions });
  }
}

const empty = { layer: 0, sizeBytes: 0, mode: 0o755, linkTarget: '' };

/** Keeps everything it is told. */
export class MemorySink implements InventorySink {
  readonly packages: InventoryPackage[] = [];
  readonly owned: { owner: number; path: string; digest: string | undefined }[] = [];
  readonly evidence: { owner: number; path: string }[] = [];
  readonly problems: InventoryProblem[] = [];
  exhausted = false;

  addPackage(found: InventoryPackage): number {
    const known = this.packages.findIndex((each) => each.purl === found.purl && each.location === found.location);
    return known >= 0 ? known : this.packages.push(found) - 1;
  }

  addOwnedFile(owner: number, path: string, digest?: string): void {
    this.owned.push({ owner, path, digest });
  }

  addEvidence(owner: number, path: string): void {
    this.evidence.push({ owner, path });
  }

  addProblem(problem: InventoryProblem): void {
    this.problems.push(problem);
  }
}

/** What a reader makes of files. */
export async function readMemory(
  reader: PackageReader,
  files: readonly (readonly [path: string, file: MemoryFile])[],
): Promise<MemorySink> {
  const tree = new MemoryTree(files);
  const sink = new MemorySink();
  await reader.read(
    tree,
    [...tree.entries()].filter((entry) => reader.wants(entry)),
    sink,
  );
  return sink;
}
