import { setImmediate } from 'node:timers/promises';
import type { Metrics } from '../../common/metrics.ts';
import { type Container, ContainerState } from '../container/container.ts';
import type { ContainerDirectory } from '../container/container-directory.ts';
import type { SampledTask } from '../decode/sampled-task.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { ProcessTree } from '../process/process-tree.ts';
import type { AdoptedProcess } from '../sensor/tables.ts';
import type { IntegrityEvent } from './integrity-event.ts';
import type { IntegrityMonitor } from './integrity-monitor.ts';
import type { KnownProcess } from './known-process.ts';

export interface TreeHealerOptions {
  tree: Pick<ProcessTree, 'adopt' | 'refresh' | 'find' | 'onGone'>;
  directory: Pick<ContainerDirectory, 'lookup'>;
  monitor: IntegrityMonitor;
  /** Enters a process in the programs' table. */
  listProcess: (pid: number, details: AdoptedProcess) => void;
  onUnseen: (event: IntegrityEvent) => void;
  onExecutionEnded: (execution: ProcessExecution) => void;
  nowKtimeNs: () => bigint;
  metrics: Metrics;
}

/** Processes read from /proc before events get their turn again: that blocks. */
const batchProcesses = 32;
/** Processes entered by one sample; the next one goes on. */
const maxEntered = 4_096;
/** The runtime's set-up of a container, or of a program put into one, is over by then. */
const setUpNs = 10_000_000_000n;

/** Puts the process tree right where a sample shows that it is wrong, and counts what was missed. */
export class TreeHealer {
  readonly #options: TreeHealerOptions;
  readonly #missed;
  #found: SampledTask[] = [];
  /** Unknown in the last sample, by pid: start. */
  #candidates = new Map<number, bigint>();

  constructor(options: TreeHealerOptions) {
    this.#options = options;
    this.#missed = options.metrics.counter(
      'processes_missed_total',
      'Processes, programs and ends of processes that no record told of, found by a sample',
      ['what'],
    );
  }

  /** A process in a sample of which no event has told. */
  found(task: SampledTask): void {
    this.#found.push(task);
  }

  /** A process runs a program of which no event has told. */
  missedExec(task: SampledTask): void {
    this.#missed.inc({ what: 'exec' });
    const container = this.#containerOf(task.cgroupId);
    if (container !== undefined) this.#options.tree.refresh(task, container.id);
  }

  /**
   * Enters what `found` was told of since the last call, parents first; answers how many there were. What runs when the
   * agent starts is entered at once. Later, a process has to be in two samples: its record may be under way.
   */
  async enter(purpose: 'seed' | 'compare', sampleNumber: number, stopped: () => boolean): Promise<number> {
    const found = this.#found.sort(byStart);
    const before = this.#candidates;
    this.#found = [];
    this.#candidates = new Map();
    let entered = 0;
    for (const [index, task] of found.entries()) {
      if (entered >= maxEntered || stopped()) break;
      if (index % batchProcesses === batchProcesses - 1) await setImmediate();
      const isDue = purpose === 'seed' || before.get(task.pid) === task.startKtimeNs;
      if (!isDue) this.#candidates.set(task.pid, task.startKtimeNs);
      else if (this.#enter(task, sampleNumber, purpose)) entered++;
    }
    return entered;
  }

  /** Ends what the tree believes to run and no sample has any more. */
  removeGone(gone: readonly KnownProcess[]): void {
    for (const { pid, startKtimeNs } of gone) {
      this.#options.monitor.forget(pid, startKtimeNs);
      const execution = this.#options.tree.onGone(pid, startKtimeNs, this.#options.nowKtimeNs());
      if (execution === undefined) continue;
      this.#missed.inc({ what: 'exit' });
      this.#options.onExecutionEnded(execution);
    }
  }

  #enter(task: SampledTask, sampleNumber: number, purpose: 'seed' | 'compare'): boolean {
    const { tree, monitor } = this.#options;
    const container = this.#containerOf(task.cgroupId);
    if (container === undefined || !this.#isPastSetUp(task, container, purpose)) return false;
    // An event may have told of it while others were entered.
    if (monitor.find(task.pid, task.startKtimeNs) !== undefined) return false;
    monitor.adopt(task, sampleNumber);
    if (!task.listed) this.#list(task);
    const parentInside = this.#containerOf(task.parentCgroupId)?.id === container.id;
    if (!tree.adopt(task, container.id, parentInside)) return false;
    if (purpose === 'compare') this.#tellUnseen(task);
    return true;
  }

  /** What the runtime does to set a container up is nobody's process yet, and is listed with its first program. */
  #isPastSetUp(task: SampledTask, container: Container, purpose: 'seed' | 'compare'): boolean {
    if (task.listed) return true;
    if (container.state !== ContainerState.RUNNING) return false;
    if (purpose === 'seed') return true;
    const { tree } = this.#options;
    return (
      tree.find(task.parentPid, task.parentStartKtimeNs) !== undefined || task.ktimeNs - task.startKtimeNs > setUpNs
    );
  }

  #list({ pid, startKtimeNs, executable }: SampledTask): void {
    const { device: executableDevice, inode: executableInode } = executable;
    this.#options.listProcess(pid, { startKtimeNs, executableInode, executableDevice });
  }

  #tellUnseen({ ktimeNs, cgroupId, pid, tid, startKtimeNs, comm }: SampledTask): void {
    this.#missed.inc({ what: 'process' });
    this.#options.onUnseen({
      ...{ kind: 'integrity', ktimeNs, cgroupId, pid, tid, startKtimeNs, comm },
      ...{ seenAt: 'sample', change: 'process-unseen' },
    });
  }

  #containerOf(cgroupId: bigint): Container | undefined {
    const lookup = this.#options.directory.lookup(cgroupId);
    return lookup.state === 'container' ? lookup.container : undefined;
  }
}

function byStart(a: SampledTask, b: SampledTask): number {
  if (a.startKtimeNs !== b.startKtimeNs) return a.startKtimeNs < b.startKtimeNs ? -1 : 1;
  return a.pid - b.pid;
}
