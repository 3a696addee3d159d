import type { InventoryProblem } from '../../common/inventory.ts';
import type { KindNumber } from './entry-table.ts';

/** An entry of one layer, as the layer says. */
export interface LayerEntry {
  /** `Kind.removed` is a whiteout. */
  kind: KindNumber;
  name: string;
  /** Where the name is not UTF-8: the bytes of it. */
  rawName: Buffer | undefined;
  sizeBytes: number;
  mode: number;
  linkTarget: string;
}

export interface LayerVisitor {
  /** Answers the id to go on with when the entry is a directory to look into; else `noEntry`. */
  visit(parent: number, entry: LayerEntry): number;
  /** What lower layers have in this directory does not show. */
  close(directory: number): void;
  problem(problem: InventoryProblem): void;
  /** For problems: the path of a directory. */
  pathOf(directory: number): string;
  /** True when the walk must end. */
  readonly stopped: boolean;
}

/** A regular file of a layer, open. */
export interface LayerFile {
  readonly sizeBytes: number;
  /** Fewer bytes at the end of the file. @throws {InventoryError} */
  read(offset: number, length: number): Buffer;
  close(): void;
}

/** What a layer says about one path: `hidden` where it hides what lower layers have there. */
export type LayerLookup = LayerFile | 'absent' | 'hidden';

/** One layer of an image. Paths are bytes without a slash at the beginning, of which no part is a symbolic link. */
export interface Layer {
  /** Tells all entries, parents first. */
  walk(visitor: LayerVisitor): void;
  /** @throws {InventoryError} when it is there and cannot be read */
  open(path: Buffer): LayerLookup;
  close(): void;
}
