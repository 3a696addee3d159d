import { type InventoryProblem, inventoryLimits } from '../../common/inventory.ts';
import { type EntryTable, Kind, noEntry, rootId } from './entry-table.ts';
import type { ImageTree, TreeEntry } from './image-tree.ts';
import { InventoryError } from './inventory-error.ts';
import type { Layer, LayerFile } from './layer.ts';
import { mergeLayers } from './merge-layers.ts';
import type { Pacer } from './pacer.ts';

const maxLinksFollowed = 40;
const kindNames = ['directory', 'file', 'symlink', 'other'] as const;

/**
 * The tree of an image from its layers, the lowest first. It keeps a table of all entries and reads files from the layer that
 * they come from; layers must stay as they are while it is used.
 */
export class LayeredTree implements ImageTree {
  readonly layerCount: number;
  /** What could not be told of the tree. */
  readonly problems: readonly InventoryProblem[];
  readonly #layers: readonly Layer[];
  readonly #table: EntryTable;
  /** The last file that was read in parts: formats that are read so ask for many. */
  #open: { id: number; file: LayerFile } | undefined;

  constructor(layers: readonly Layer[], pacer: Pacer, maxEntries: number = inventoryLimits.maxFiles) {
    this.layerCount = layers.length;
    this.#layers = layers;
    const { table, problems } = mergeLayers(layers, pacer, maxEntries);
    this.#table = table;
    this.problems = problems;
  }

  /** The id of the entry that `find` (or, with the last link followed, `resolve`) answers; -1 where there is none. */
  idOf(path: string, followLast = false): number {
    if (path.length > inventoryLimits.maxPathBytes) return noEntry;
    const table = this.#table;
    const pending = path.split('/').reverse();
    let at = rootId;
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      if (table.kinds[at] !== Kind.directory) return noEntry;
      if (name === '..') {
        at = table.parents[at] as number;
        continue;
      }
      const child = table.find(at, name);
      if (child === noEntry || table.kinds[child] === Kind.removed) return noEntry;
      if (table.kinds[child] === Kind.symlink && (followLast || pending.length > 0)) {
        if (++links > maxLinksFollowed) return noEntry;
        const target = table.linkTargets.get(child) ?? '';
        if (target.startsWith('/')) at = rootId;
        pending.push(...target.split('/').reverse());
      } else at = child;
    }
    return at;
  }

  /** Undefined: removed by a layer. */
  entryOf(id: number, path = this.#table.pathOf(id)): TreeEntry | undefined {
    const table = this.#table;
    const kind = kindNames[table.kinds[id] as number];
    if (kind === undefined) return undefined;
    const linkTarget = kind === 'symlink' ? (table.linkTargets.get(id) ?? '') : '';
    const [layer, sizeBytes, mode] = [table.layers[id] as number, table.sizes[id] as number, table.modes[id] as number];
    return { path, kind, layer, sizeBytes, mode, linkTarget };
  }

  /** What the inventory lists, in order of path. A directory sorts as its name with a slash, as paths below it do. */
  *listed(): Generator<{ id: number; path: string }> {
    const table = this.#table;
    const pending = [{ id: rootId, path: '' }];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const { id, path } = at;
      if (this.isListed(id)) yield at;
      if (table.kinds[id] !== Kind.directory) continue;
      const keyed = [...table.childrenOf(id)].map((child) => {
        const slash = table.kinds[child] === Kind.directory ? '/' : '';
        return { id: child, key: `${table.names[child]}${slash}` };
      });
      keyed.sort((a, b) => (a.key < b.key ? 1 : -1));
      for (const { id: child } of keyed) pending.push({ id: child, path: `${path}/${table.names[child]}` });
    }
  }

  /** Whether the inventory lists it: regular files and symbolic links. */
  isListed(id: number): boolean {
    const kind = this.#table.kinds[id];
    return kind === Kind.file || kind === Kind.symlink;
  }

  isFile(id: number): boolean {
    return this.#table.kinds[id] === Kind.file;
  }

  pathOf(id: number): string {
    return this.#table.pathOf(id);
  }

  find(path: string): TreeEntry | undefined {
    const id = this.idOf(path);
    return id === noEntry ? undefined : this.entryOf(id);
  }

  resolve(path: string): TreeEntry | undefined {
    const id = this.idOf(path, true);
    return id === noEntry ? undefined : this.entryOf(id);
  }

  list(path: string): readonly TreeEntry[] {
    const id = this.idOf(path, true);
    if (id === noEntry || this.#table.kinds[id] !== Kind.directory) return [];
    const prefix = id === rootId ? '/' : `${this.#table.pathOf(id)}/`;
    const found: TreeEntry[] = [];
    for (const child of this.#table.childrenOf(id)) {
      const entry = this.entryOf(child, prefix + this.#table.names[child]);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  *entries(): Generator<TreeEntry> {
    const table = this.#table;
    let [parent, prefix] = [rootId, '/'];
    for (let id = 1; id < table.size; id++) {
      if (table.parents[id] !== parent) {
        parent = table.parents[id] as number;
        prefix = parent === rootId ? '/' : `${table.pathOf(parent)}/`;
      }
      const entry = this.entryOf(id, prefix + table.names[id]);
      if (entry !== undefined) yield entry;
    }
  }

  read(path: string, maxBytes: number): Buffer {
    const file = this.#openFile(this.#fileId(path));
    return readWhole(file, path, maxBytes);
  }

  readRange(path: string, offset: number, length: number): Buffer {
    const id = this.#fileId(path);
    if (this.#open?.id !== id) {
      const file = this.#openFile(id);
      this.#open?.file.close();
      this.#open = { id, file };
    }
    return this.#open.file.read(offset, length);
  }

  readAtLayer(path: string, layer: number, maxBytes: number): Buffer | undefined {
    const rawPath = this.#table.rawPathOf(this.#fileId(path));
    for (let at = layer; at >= 0; at--) {
      const found = this.#layers[at]?.open(rawPath);
      if (found === 'hidden') return undefined;
      if (found !== undefined && found !== 'absent') return readWhole(found, path, maxBytes);
    }
    return undefined;
  }

  layersWith(path: string): readonly number[] {
    const id = this.#fileId(path);
    const rawPath = this.#table.rawPathOf(id);
    const found: number[] = [];
    for (let at = this.#table.layers[id] as number; at >= 0; at--) {
      const file = this.#layers[at]?.open(rawPath);
      if (file === 'hidden') break;
      if (file === undefined || file === 'absent') continue;
      file.close();
      found.unshift(at);
    }
    return found;
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
    for (const layer of this.#layers) layer.close();
  }

  #fileId(path: string): number {
    const id = this.idOf(path, true);
    if (id === noEntry) throw new InventoryError('unreadable', `${path} does not exist, or its links lead nowhere`);
    if (this.#table.kinds[id] === Kind.file) return id;
    throw new InventoryError('unreadable', `${path} is no regular file`);
  }

  #openFile(id: number): LayerFile {
    const file = this.#layers[this.#table.layers[id] as number]?.open(this.#table.rawPathOf(id));
    if (typeof file === 'object') return file;
    throw new InventoryError('unreadable', `${this.#table.pathOf(id)} is not in its layer any more`);
  }
}

function readWhole(file: LayerFile, path: string, maxBytes: number): Buffer {
  try {
    if (file.sizeBytes <= maxBytes) return file.read(0, file.sizeBytes);
    throw new InventoryError('too-large', `${path} has ${file.sizeBytes} bytes, more than ${maxBytes}`);
  } finally {
    file.close();
  }
}
