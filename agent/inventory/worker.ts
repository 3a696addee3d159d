// The process that makes inventories for `runInventory`: takes one task, tells what it finds, and ends.
import { errorText } from '../../common/errors.ts';
import { DirectoryLayer } from './directory-layer.ts';
import { isInventoryError } from './inventory-error.ts';
import type { Layer } from './layer.ts';
import { LayeredTree } from './layered-tree.ts';
import { endWithParent, lowerPriority } from './low-priority.ts';
import { Pacer } from './pacer.ts';
import { takeInventory } from './take-inventory.ts';
import type { WorkerMessage, WorkerTask } from './worker-message.ts';

/** What one message holds: whoever takes it has other things to do as well. */
const perMessage = 500;

/** Resolves when the message is on its way, so that no more of them wait than that. */
function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function work({ directories, maxDurationMs, cpuShare, lowPriority }: WorkerTask): Promise<void> {
  if (lowPriority) lowerPriority();
  const layers: Layer[] = [];
  try {
    for (const directory of directories) layers.push(new DirectoryLayer(directory));
    const pacer = new Pacer({ maxDurationMs, cpuShare });
    const taken = await takeInventory(new LayeredTree(layers, pacer), pacer);
    for (const packages of groupsOf(taken.packages)) await tell({ kind: 'packages', packages });
    for (const files of groupsOf(taken.files())) await tell({ kind: 'files', files });
    await tell({ kind: 'done', distribution: taken.distribution, problems: taken.problems });
  } catch (error) {
    const code = isInventoryError(error) ? error.code : 'unreadable';
    await tell({ kind: 'failed', problem: { reader: 'tree', path: '/', code, reason: errorText(error) } });
  }
}

function* groupsOf<T>(things: Iterable<T>): Generator<T[]> {
  let group: T[] = [];
  for (const thing of things) {
    group.push(thing);
    if (group.length < perMessage) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

endWithParent();
process.once('message', (task: WorkerTask) => void work(task).finally(() => process.disconnect()));
