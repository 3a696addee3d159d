import { BoundedQueue } from '../../common/bounded-queue.ts';
import type { ExecutionRecord } from './execution.ts';

/** /proc tells start times in ticks of USER_HZ (100 on every supported architecture), rounded down. */
export const procTickNs = 10_000_000n;

/** One process, identified by pid and start time. */
export interface Task {
  readonly pid: number;
  readonly containerPid: number;
  startKtimeNs: bigint;
  /** True while the start time is only known as precisely as /proc tells it. */
  startRounded: boolean;
  /** Program that runs now; undefined until somebody asks for a process that has only been forked. */
  execution: ExecutionRecord | undefined;
  /** True once `execution` is a program of the process' own and not a copy of its parent's. */
  hasProgram: boolean;
  /** What the forking process ran at the time of the fork. */
  forkedFrom: ExecutionRecord | undefined;
  /** Identity of the forking process where it was not known at the time. */
  forker: { pid: number; startKtimeNs: bigint; ktimeNs: bigint } | undefined;
  /** When `execution` was read from /proc; undefined once an exec was seen after that. */
  snapshotKtimeNs: bigint | undefined;
  exitKtimeNs: bigint | undefined;
  /** An earlier process with the same pid that is still remembered. */
  older: Task | undefined;
  newerUse: Task | undefined;
  olderUse: Task | undefined;
}

export interface TaskTableOptions {
  maxTasks: number;
  /** How long an exited process is still found, in event time. */
  afterLifeNs: bigint;
  onEvicted: (task: Task) => void;
}

/**
 * Processes by (pid, start time). Full tables give up exited processes first, then the least recently used one. Exited
 * processes leave after `afterLifeNs`, measured on the clock of the events themselves.
 */
export class TaskTable {
  readonly #options: TaskTableOptions;
  readonly #byPid = new Map<number, Task>();
  readonly #exited: BoundedQueue<{ task: Task; ktimeNs: bigint }>;
  #mostRecent: Task | undefined;
  #leastRecent: Task | undefined;
  #size = 0;

  constructor(options: TaskTableOptions) {
    this.#options = options;
    this.#exited = new BoundedQueue(options.maxTasks);
  }

  get size(): number {
    return this.#size;
  }

  find(pid: number, startKtimeNs: bigint): Task | undefined {
    let task = this.#byPid.get(pid);
    while (task !== undefined && !startMatches(task, startKtimeNs)) task = task.older;
    if (task === undefined) return undefined;
    if (task.startRounded && startKtimeNs % procTickNs !== 0n) {
      task.startKtimeNs = startKtimeNs;
      task.startRounded = false;
    }
    this.#touch(task);
    return task;
  }

  /** For start times read from /proc: the task whose start falls into that tick. */
  findInTick(pid: number, tickKtimeNs: bigint): Task | undefined {
    let task = this.#byPid.get(pid);
    while (task !== undefined && roundToTick(task.startKtimeNs) !== tickKtimeNs) task = task.older;
    return task;
  }

  /** The process that has this pid now. */
  current(pid: number): Task | undefined {
    const task = this.#byPid.get(pid);
    return task?.exitKtimeNs === undefined ? task : undefined;
  }

  /** The last process that had this pid, running or just exited. */
  latest(pid: number): Task | undefined {
    return this.#byPid.get(pid);
  }

  insert(task: Task, nowKtimeNs: bigint): void {
    const previous = this.#byPid.get(task.pid);
    // Two processes cannot hold one pid: the exit of the earlier one was lost.
    if (previous !== undefined && previous.exitKtimeNs === undefined) this.exit(previous, nowKtimeNs);
    task.older = this.#byPid.get(task.pid);
    this.#byPid.set(task.pid, task);
    this.#size++;
    this.#pushMostRecent(task);
    while (this.#size > this.#options.maxTasks) this.#makeRoom();
  }

  exit(task: Task, ktimeNs: bigint): void {
    task.exitKtimeNs = ktimeNs;
    if (this.#exited.size === this.#exited.capacity) this.#forgetOldestExited();
    this.#exited.push({ task, ktimeNs });
  }

  expire(nowKtimeNs: bigint): void {
    for (let head = this.#exited.peek(); head !== undefined; head = this.#exited.peek()) {
      if (head.ktimeNs + this.#options.afterLifeNs > nowKtimeNs) return;
      this.#exited.shift();
      if (head.task.exitKtimeNs === head.ktimeNs) this.#remove(head.task);
    }
  }

  #makeRoom(): void {
    if (this.#forgetOldestExited()) return;
    const victim = this.#leastRecent;
    if (victim === undefined) return;
    this.#remove(victim);
    this.#options.onEvicted(victim);
  }

  /** True when a task was removed; entries of processes that came back to life by an exec after all are skipped. */
  #forgetOldestExited(): boolean {
    for (let head = this.#exited.shift(); head !== undefined; head = this.#exited.shift()) {
      if (head.task.exitKtimeNs !== head.ktimeNs) continue;
      if (this.#remove(head.task)) return true;
    }
    return false;
  }

  #remove(task: Task): boolean {
    const head = this.#byPid.get(task.pid);
    if (head === task) {
      if (task.older === undefined) this.#byPid.delete(task.pid);
      else this.#byPid.set(task.pid, task.older);
    } else {
      let newer = head;
      while (newer !== undefined && newer.older !== task) newer = newer.older;
      if (newer === undefined) return false;
      newer.older = task.older;
    }
    this.#size--;
    this.#unlink(task);
    return true;
  }

  #touch(task: Task): void {
    if (this.#mostRecent === task) return;
    this.#unlink(task);
    this.#pushMostRecent(task);
  }

  #pushMostRecent(task: Task): void {
    task.olderUse = this.#mostRecent;
    task.newerUse = undefined;
    if (this.#mostRecent !== undefined) this.#mostRecent.newerUse = task;
    this.#mostRecent = task;
    this.#leastRecent ??= task;
  }

  #unlink(task: Task): void {
    if (task.newerUse === undefined) this.#mostRecent = task.olderUse;
    else task.newerUse.olderUse = task.olderUse;
    if (task.olderUse === undefined) this.#leastRecent = task.newerUse;
    else task.olderUse.newerUse = task.newerUse;
    task.newerUse = undefined;
    task.olderUse = undefined;
  }
}

function startMatches(task: Task, startKtimeNs: bigint): boolean {
  if (task.startKtimeNs === startKtimeNs) return true;
  return task.startRounded && roundToTick(startKtimeNs) === task.startKtimeNs;
}

export function roundToTick(ktimeNs: bigint): bigint {
  return ktimeNs - (ktimeNs % procTickNs);
}

export function newTask(pid: number, startKtimeNs: bigint, containerPid: number): Task {
  return {
    pid,
    containerPid,
    startKtimeNs,
    startRounded: false,
    execution: undefined,
    hasProgram: false,
    forkedFrom: undefined,
    forker: undefined,
    snapshotKtimeNs: undefined,
    exitKtimeNs: undefined,
    older: undefined,
    newerUse: undefined,
    olderUse: undefined,
  };
}
