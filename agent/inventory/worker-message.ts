import type { Distribution, InventoryFile, InventoryPackage, InventoryProblem } from '../../common/inventory.ts';

/** What the worker is told, once. */
export interface WorkerTask {
  /** Directories of this host, the lowest layer first. */
  directories: readonly string[];
  maxDurationMs: number;
  cpuShare: number;
  lowPriority: boolean;
}

/** What the worker tells: packages and files in groups, then one of the others. */
export type WorkerMessage =
  | { kind: 'packages'; packages: InventoryPackage[] }
  | { kind: 'files'; files: InventoryFile[] }
  | { kind: 'done'; distribution: Distribution | undefined; problems: readonly InventoryProblem[] }
  | { kind: 'failed'; problem: InventoryProblem };
