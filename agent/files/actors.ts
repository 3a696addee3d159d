import { join } from 'node:path';
import type { Container } from '../container/container.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { ProcessTree } from '../process/process-tree.ts';
import { containersOfProcess } from './container-root.ts';

/** Who did something to a file of a container. */
export type Actor =
  /** Its program is undefined where the process tree does not know it. */
  | { kind: 'container'; container: Container; execution: ProcessExecution | undefined }
  /** A process outside of containers: the runtime, kubelet, somebody on the node. */
  | { kind: 'host' }
  /** It had ended before anybody could look and the process tree never knew it, or nobody knows its container. */
  | { kind: 'unknown' };

export interface ActorsOptions {
  tree: Pick<ProcessTree, 'findLatest'>;
  container: (id: string) => Container | undefined;
  procRoot: string;
}

/**
 * Finds who a process is by its pid alone, which is all that fanotify tells. The process tree is asked first; it still knows
 * processes that have just ended. Answers hold for one batch of events.
 */
export class Actors {
  readonly #options: ActorsOptions;
  readonly #answers = new Map<number, Actor>();

  constructor(options: ActorsOptions) {
    this.#options = options;
  }

  /** To be called for every batch: pids are used again. */
  forget(): void {
    this.#answers.clear();
  }

  of(pid: number): Actor {
    let actor = this.#answers.get(pid);
    if (actor === undefined) {
      actor = this.#find(pid);
      this.#answers.set(pid, actor);
    }
    return actor;
  }

  #find(pid: number): Actor {
    const { tree, container: known, procRoot } = this.#options;
    if (pid === process.pid) return { kind: 'host' };
    const execution = tree.findLatest(pid);
    const own = execution?.containerId === undefined ? undefined : known(execution.containerId);
    if (own !== undefined) return { kind: 'container', container: own, execution };
    const ids = pid > 0 ? containersOfProcess(join(procRoot, String(pid))) : undefined;
    if (ids?.length === 0) return { kind: 'host' };
    // The innermost that is known: a container may run containers that no runtime of this node tells of.
    const container = ids?.map(known).findLast((each) => each !== undefined);
    return container === undefined ? { kind: 'unknown' } : { kind: 'container', container, execution };
  }
}
