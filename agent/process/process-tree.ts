import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { ExecEvent, ExitEvent, ForkEvent } from '../decode/kernel-event.ts';
import type { SampledTask } from '../decode/sampled-task.ts';
import { ContainerInits } from './container-inits.ts';
import { type ExecutionRecord, executionFromExec, executionFromFork } from './execution.ts';
import { readCgroupPids } from './proc-reader.ts';
import type { ProcessExecution } from './process.ts';
import { type SeedTarget, seedTasks } from './seed.ts';
import { enterSampled, executionFromSample } from './seed-sampled.ts';
import { newTask, type Task, TaskTable } from './task-table.ts';

export interface ProcessTreeOptions {
  /** /proc/sys/kernel/random/boot_id */
  bootId: string;
  logger: Logger;
  metrics: Metrics;
  /** Processes remembered at once, running or just exited. */
  maxProcesses: number;
  /** "/proc", or "/host/proc" where the agent runs as a container. */
  procRoot: string;
  /** How long an exited process is still found, in event time. Default 5 s. */
  afterLifeMs?: number;
  /** A running process has been forgotten because there was no room. */
  onEvicted?: () => void;
}

export interface ProcessTree {
  onFork(event: ForkEvent): void;
  /** `containerId` is undefined while the container of the process is not known. */
  onExec(event: ExecEvent, containerId: string | undefined): ProcessExecution;
  /** The execution that the last call of onExec ended: what the process ran before. */
  readonly replaced: ProcessExecution | undefined;
  /** The execution that ended; undefined when the process is not known. */
  onExit(event: ExitEvent): ProcessExecution | undefined;
  /** What the process runs at the moment, or ran last if it has just exited. */
  find(pid: number, startKtimeNs: bigint): ProcessExecution | undefined;
  /** What the latest process with this pid runs, or ran last if it has just exited: for those who know no start time. */
  findLatest(pid: number): ProcessExecution | undefined;
  /** Tells an execution its container once that is known. */
  assignContainer(execution: ProcessExecution, containerId: string): void;
  /**
   * Reads the processes that already run in a container from /proc. `cgroupDirectory` is the absolute path of the
   * container's cgroup v2 directory; children are included. Known processes are left as they are, so it can be called
   * again after a loss. Answers how many processes were added.
   */
  seed(containerId: string, cgroupDirectory: string): Promise<number>;
  /**
   * Puts a process in that the kernel's iterator has found; what that cannot tell (path, arguments) is read from /proc.
   * False when the process is known already, or gone.
   */
  adopt(task: SampledTask, containerId: string, parentInside: boolean): boolean;
  /** Reads again what a process runs that has executed a program of which no event told; true when that could be read. */
  refresh(task: SampledTask, containerId: string): boolean;
  /** A process is gone and nothing told of its end: when and how are not known. What it ran last, if it was known. */
  onGone(pid: number, startKtimeNs: bigint, ktimeNs: bigint): ProcessExecution | undefined;
  readonly size: number;
}

export function createProcessTree(options: ProcessTreeOptions): ProcessTree {
  return new Tree(options);
}

class Tree implements ProcessTree, SeedTarget {
  readonly #options: ProcessTreeOptions;
  readonly #bootPrefix: string;
  readonly #tasks: TaskTable;
  readonly #inits = new ContainerInits();
  replaced: ExecutionRecord | undefined;

  constructor(options: ProcessTreeOptions) {
    this.#options = options;
    this.#bootPrefix = options.bootId.slice(0, 8);
    const evicted = options.metrics.counter(
      'process_table_evicted_total',
      'Running processes forgotten because the process table was full',
    );
    this.#tasks = new TaskTable({
      maxTasks: options.maxProcesses,
      afterLifeNs: BigInt(options.afterLifeMs ?? 5000) * 1_000_000n,
      onEvicted: () => {
        evicted.inc();
        options.onEvicted?.();
      },
    });
  }

  get size(): number {
    return this.#tasks.size;
  }

  onFork(event: ForkEvent): void {
    this.#tasks.expire(event.ktimeNs);
    if (this.#tasks.find(event.childPid, event.childStartKtimeNs) !== undefined) return;
    const parent = this.find(event.pid, event.startKtimeNs);
    const task = newTask(event.childPid, event.childStartKtimeNs, event.childContainerPid);
    task.forkedFrom = parent;
    if (parent === undefined)
      task.forker = { pid: event.pid, startKtimeNs: event.startKtimeNs, ktimeNs: event.ktimeNs };
    this.#tasks.insert(task, event.ktimeNs);
  }

  onExec(event: ExecEvent, containerId: string | undefined): ExecutionRecord {
    this.#tasks.expire(event.ktimeNs);
    const task = this.#taskOf(event);
    const previous = task.execution;
    this.replaced = previous;
    if (previous !== undefined) {
      previous.endKtimeNs = event.ktimeNs;
      previous.exitCode = undefined;
      previous.exitSignal = undefined;
      previous.coreDumped = undefined;
    }
    // The leader's exit comes before the exec of another thread, which then continues as this process.
    task.exitKtimeNs = undefined;
    const execution = this.#execute(task, event, containerId);
    task.execution = execution;
    task.hasProgram = true;
    if (execution.entry === 'container-init') this.#inits.note(initKey(event.cgroupId, containerId), task);
    return execution;
  }

  onExit(event: ExitEvent): ExecutionRecord | undefined {
    this.#tasks.expire(event.ktimeNs);
    const task = this.#tasks.find(event.pid, event.startKtimeNs);
    if (task === undefined || task.exitKtimeNs !== undefined) return undefined;
    const execution = this.#executionOf(task);
    this.#tasks.exit(task, event.ktimeNs);
    this.#inits.exited(task);
    if (execution === undefined) return undefined;
    execution.endKtimeNs = event.ktimeNs;
    execution.exitCode = event.exitCode;
    execution.exitSignal = event.exitSignal;
    execution.coreDumped = event.coreDumped;
    return execution;
  }

  find(pid: number, startKtimeNs: bigint): ExecutionRecord | undefined {
    const task = this.#tasks.find(pid, startKtimeNs);
    return task === undefined ? undefined : this.#executionOf(task);
  }

  findLatest(pid: number): ExecutionRecord | undefined {
    const task = this.#tasks.latest(pid);
    return task === undefined ? undefined : this.#executionOf(task);
  }

  assignContainer(execution: ProcessExecution, containerId: string): void {
    // Every execution there is was made here.
    (execution as ExecutionRecord).containerId ??= containerId;
    const task = this.#tasks.find(execution.pid, execution.startKtimeNs);
    if (task?.execution === undefined) return;
    task.execution.containerId ??= containerId;
    // The first program may have executed another by now, and is the container's first process all the same.
    if (execution.entry === 'container-init') this.#inits.note(containerId, task);
  }

  async seed(containerId: string, cgroupDirectory: string): Promise<number> {
    const pids = await readCgroupPids(cgroupDirectory);
    const added = await seedTasks(this, { procRoot: this.#options.procRoot, containerId, pids });
    this.#options.logger.debug({ containerId, processes: pids.length, added }, 'read processes that already run');
    return added;
  }

  adopt(task: SampledTask, containerId: string, parentInside: boolean): boolean {
    return enterSampled(this, { procRoot: this.#options.procRoot, containerId, task, parentInside });
  }

  refresh(task: SampledTask, containerId: string): boolean {
    const known = this.#tasks.find(task.pid, task.startKtimeNs);
    const replaced = known && this.#executionOf(known);
    if (known === undefined || replaced === undefined || replaced.execId >= task.execId) return false;
    const request = { procRoot: this.#options.procRoot, containerId, task, parentInside: true };
    const execution = executionFromSample(this, request, known, replaced);
    if (execution === undefined) return false;
    replaced.endKtimeNs = task.ktimeNs;
    known.execution = execution;
    known.hasProgram = true;
    return true;
  }

  onGone(pid: number, startKtimeNs: bigint, ktimeNs: bigint): ExecutionRecord | undefined {
    const task = this.#tasks.find(pid, startKtimeNs);
    if (task === undefined || task.exitKtimeNs !== undefined) return undefined;
    const execution = this.#executionOf(task);
    this.#tasks.exit(task, ktimeNs);
    this.#inits.exited(task);
    if (execution !== undefined) execution.endKtimeNs = ktimeNs;
    return execution;
  }

  get tasks(): TaskTable {
    return this.#tasks;
  }

  seedId(pid: number, startKtimeNs: bigint, execId: bigint): string {
    return this.#executionId(pid, startKtimeNs, execId);
  }

  hasInit(containerId: string): boolean {
    return this.#inits.has(containerId);
  }

  noteInit(containerId: string, task: Task): void {
    this.#inits.note(containerId, task);
  }

  #taskOf(event: ExecEvent): Task {
    const known = this.#tasks.find(event.pid, event.startKtimeNs);
    if (known !== undefined) return known;
    const task = newTask(event.pid, event.startKtimeNs, event.containerPid);
    this.#tasks.insert(task, event.ktimeNs);
    return task;
  }

  #execute(task: Task, event: ExecEvent, containerId: string | undefined): ExecutionRecord {
    const executionId = this.#executionId(event.pid, event.startKtimeNs, event.execId);
    const seeded = task.execution;
    // /proc was read after this exec: what it told is this program, not the one before.
    if (seeded !== undefined && task.snapshotKtimeNs !== undefined && event.ktimeNs <= task.snapshotKtimeNs) {
      const { entry, parent, parentMissing } = seeded;
      return executionFromExec(event, {
        executionId,
        entry,
        containerId: containerId ?? seeded.containerId,
        parent,
        parentMissing,
      });
    }
    task.snapshotKtimeNs = undefined;
    const parent = task.hasProgram ? task.execution : this.#forkerOf(task, event);
    if (parent !== undefined)
      return executionFromExec(event, {
        executionId,
        entry: 'internal',
        containerId: containerId ?? parent.containerId,
        parent,
        parentMissing: false,
      });
    let entry: ProcessExecution['entry'] = 'internal';
    if (event.fromOutside) {
      const first = event.containerPid === 1 || !this.#inits.has(initKey(event.cgroupId, containerId));
      entry = first ? 'container-init' : 'exec-session';
    }
    return executionFromExec(event, {
      executionId,
      entry,
      containerId,
      parent: undefined,
      parentMissing: entry === 'internal',
    });
  }

  /**
   * What the process that forked this one ran. A lost fork is healed by the parent the exec names; where the fork was
   * seen and its parent was not known, only that very parent heals it, as the present one may be a foster parent.
   */
  #forkerOf(task: Task, event: ExecEvent): ExecutionRecord | undefined {
    if (task.forkedFrom !== undefined) return task.forkedFrom;
    if (task.forker !== undefined) return this.#healedForker(task.forker);
    if (event.parentPid === event.pid) return undefined;
    return this.find(event.parentPid, event.parentStartKtimeNs);
  }

  #healedForker(forker: NonNullable<Task['forker']>): ExecutionRecord | undefined {
    const execution = this.find(forker.pid, forker.startKtimeNs);
    return execution !== undefined && execution.execKtimeNs <= forker.ktimeNs ? execution : undefined;
  }

  #executionOf(task: Task): ExecutionRecord | undefined {
    if (task.execution !== undefined) return task.execution;
    if (task.forker !== undefined) task.forkedFrom ??= this.#healedForker(task.forker);
    if (task.forkedFrom === undefined) return undefined;
    task.execution = executionFromFork(task.forkedFrom, {
      executionId: this.#executionId(task.pid, task.startKtimeNs, task.forkedFrom.execId),
      pid: task.pid,
      containerPid: task.containerPid,
      startKtimeNs: task.startKtimeNs,
    });
    return task.execution;
  }

  #executionId(pid: number, startKtimeNs: bigint, execId: bigint): string {
    return `${this.#bootPrefix}:${pid}:${startKtimeNs}:${execId}`;
  }
}

/** Until the container is known, its cgroup stands for it. */
function initKey(cgroupId: bigint, containerId: string | undefined): string {
  return containerId ?? `cgroup:${cgroupId}`;
}
