import type { InventoryProblem } from '../../common/inventory.ts';
import { inventoryLimits } from '../../common/inventory.ts';
import { EntryTable, Kind, noEntry } from './entry-table.ts';
import type { Layer, LayerEntry, LayerVisitor } from './layer.ts';
import type { Pacer } from './pacer.ts';

export interface MergedLayers {
  table: EntryTable;
  problems: InventoryProblem[];
}

/** One table of what shows of all layers. The uppermost is walked first: what it has, others cannot change. */
export function mergeLayers(layers: readonly Layer[], pacer: Pacer, maxEntries: number): MergedLayers {
  const merge = new Merge(pacer, maxEntries);
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    merge.layer = layer;
    layers[layer]?.walk(merge);
  }
  return merge;
}

class Merge implements LayerVisitor, MergedLayers {
  readonly table = new EntryTable();
  readonly problems: InventoryProblem[] = [];
  layer = 0;
  stopped = false;
  /** Directories that are closed for the layers below the one that closes them. */
  readonly #closing: number[] = [];
  #closingLayer = 0;
  readonly #pacer: Pacer;
  readonly #maxEntries: number;

  constructor(pacer: Pacer, maxEntries: number) {
    this.#pacer = pacer;
    this.#maxEntries = maxEntries;
  }

  visit(parent: number, entry: LayerEntry): number {
    if (this.#pacer.step()) this.#stop('timeout', 'the time for the inventory is used up');
    const { table } = this;
    this.#applyClosed();
    if (table.closed[parent] !== 0) return noEntry;
    const known = table.find(parent, entry.name);
    if (known === noEntry) return this.#add(parent, entry);
    if (table.layers[known] === this.layer) return this.#again(known, entry);
    if (entry.kind === Kind.directory)
      return table.kinds[known] === Kind.directory && table.closed[known] === 0 ? known : noEntry;
    // A file or whiteout here hides what yet lower layers have in a directory of this name.
    if (table.kinds[known] === Kind.directory) table.closed[known] = 1;
    return noEntry;
  }

  close(directory: number): void {
    this.#applyClosed();
    this.#closingLayer = this.layer;
    this.#closing.push(directory);
  }

  problem(problem: InventoryProblem): void {
    if (this.problems.length < inventoryLimits.maxProblems) this.problems.push(problem);
  }

  pathOf(directory: number): string {
    return this.table.pathOf(directory);
  }

  /** Closing counts from the next layer on. */
  #applyClosed(): void {
    if (this.#closing.length === 0 || this.#closingLayer === this.layer) return;
    for (const directory of this.#closing.splice(0)) this.table.closed[directory] = 1;
  }

  #add(parent: number, entry: LayerEntry): number {
    if (this.table.size > this.#maxEntries) {
      this.#stop('limit', `there are more than ${this.#maxEntries} entries: the rest is left out`);
      return noEntry;
    }
    const id = this.table.add(parent, entry.name, entry.kind);
    this.#fill(id, entry);
    return entry.kind === Kind.directory ? id : noEntry;
  }

  /** Twice in one layer: a whiteout is about lower layers only; else what comes last counts, as when a tar is unpacked. */
  #again(known: number, entry: LayerEntry): number {
    const { table } = this;
    if (entry.kind === Kind.removed || table.kinds[known] === Kind.removed) this.close(known);
    if (entry.kind !== Kind.removed) this.#fill(known, entry);
    return entry.kind === Kind.directory ? known : noEntry;
  }

  #fill(id: number, { kind, sizeBytes, mode, linkTarget, rawName }: LayerEntry): void {
    const { table } = this;
    table.kinds[id] = kind;
    table.layers[id] = this.layer;
    table.sizes[id] = sizeBytes;
    table.modes[id] = mode;
    if (kind === Kind.symlink) table.linkTargets.set(id, linkTarget);
    if (rawName !== undefined) table.rawNames.set(id, rawName);
  }

  #stop(code: string, reason: string): void {
    if (this.stopped) return;
    this.stopped = true;
    this.problem({ reader: 'tree', path: '/', code, reason });
  }
}
