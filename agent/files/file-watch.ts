import { sleep } from '../../common/backoff.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { type Container, ContainerState } from '../container/container.ts';
import type { FileEvent } from '../decode/kernel-event.ts';
import type { FileWrite } from '../detect/sentence-facts.ts';
import { hostMountNamespace } from '../sensor/host-namespaces.ts';
import type { ActorsOptions } from './actors.ts';
import { ContainerMarks, type MarkBudget } from './container-marks.ts';
import { ContainerRoot } from './container-root.ts';
import { DescriptorWaiter } from './descriptor-waiter.ts';
import type { FanotifyWay } from './fanotify.ts';
import { createFileMetrics, type FileMetrics } from './file-metrics.ts';
import { FileReads } from './file-reads.ts';
import { FileReporter } from './file-reporter.ts';
import { MutedPlaces } from './muted-places.ts';
import { type NodeFiles, openNodeFiles } from './node-files.ts';
import { RefusedWatches } from './refused-watches.ts';
import type { WatchList } from './watch-list.ts';

export interface FileWatchOptions extends ActorsOptions {
  list: WatchList;
  /** Reads what the sensor has waiting, so that a process is known before what it did to a file is looked at. */
  drainSensor: () => void;
  onEvent: (event: FileEvent) => void;
  onGap: (gap: Gap) => void;
  logger: Logger;
  metrics: Metrics;
  /** Of one marked file or directory. Default 2000 events at once, 200 a second. */
  budget?: MarkBudget;
  /** How long a place is left alone that was over its budget, the first time. Default 10 s. */
  muteMs?: number;
  /** How the kernel is to tell which file it was; found by trying. For tests. */
  way?: FanotifyWay;
}

const defaultBudget: MarkBudget = { burst: 2000, perSecond: 200 };
const defaultMuteMs = 10_000;
/** Events gather while there is work: the kernel joins repeats of one process on one file while they wait. */
const gatherMs = 20;
const tickMs = 1000;
const ticksPerHealing = 30;
/** Where files are told by descriptors, a file that replaces a marked one is found by looking only. */
const ticksPerHealingByPath = 10;

/** Watches the files that matter in every running container, through one fanotify group for each. */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #watched = new Map<string, ContainerMarks>();
  readonly #byFd = new Map<number, ContainerMarks>();
  readonly #waiter = new DescriptorWaiter();
  readonly #stopping = new AbortController();
  readonly #metrics: FileMetrics;
  readonly #muted: MutedPlaces;
  readonly #reporter: FileReporter;
  readonly #reads: FileReads;
  readonly #hostMountNamespace: bigint;
  readonly #refused: RefusedWatches;
  readonly #node: NodeFiles | undefined;
  #way: FanotifyWay | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;

  /** @throws {SystemError} when descriptors cannot be waited for; {CodedError} SENSOR_UNAVAILABLE */
  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#metrics = createFileMetrics(options.metrics);
    this.#refused = new RefusedWatches({ ...options, metrics: this.#metrics });
    this.#muted = new MutedPlaces({ onGap: options.onGap, muteMs: options.muteMs ?? defaultMuteMs });
    this.#reporter = new FileReporter({ ...options, muted: this.#muted, metrics: this.#metrics });
    this.#reads = new FileReads({ ...options, muted: this.#muted, metrics: this.#metrics });
    this.#hostMountNamespace = hostMountNamespace(options.procRoot);
    this.#node = openNodeFiles({
      ...{ ...options, metrics: this.#metrics, budget: options.budget ?? defaultBudget },
      muteMs: options.muteMs ?? defaultMuteMs,
    });
    if (this.#node !== undefined) this.#waiter.add(this.#node.fd);
  }

  /** How the files of the container that came last are told; undefined before the first. */
  get way(): FanotifyWay | undefined {
    return this.#way;
  }

  watches(containerId: string): boolean {
    return this.#watched.has(containerId);
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
    void this.#read();
  }

  /** To be told of every change of a container: its files are watched while it runs. */
  onContainer(container: Container): void {
    if (container.state === ContainerState.EXITED) this.#later(() => this.#drop(container.id));
    else if (container.state === ContainerState.RUNNING && container.initPid > 0)
      this.watch(container.id, container.initPid);
  }

  /** Watches the files of a container as its first process sees them; nothing happens when that is so already. */
  watch(containerId: string, initPid: number): void {
    this.#later(() => this.#watch(containerId, initPid));
  }

  /** Not at once: whoever tells may be in the middle of the sensor's records, which are drained here too. */
  #later(task: () => void): void {
    setImmediate(() => {
      if (!this.#stopping.signal.aborted) task();
    });
  }

  #watch(containerId: string, initPid: number): void {
    const known = this.#watched.get(containerId);
    // Whichever process shows them: the first program's end is the container's.
    if (known?.root.alive) return;
    this.#drop(containerId);
    try {
      const marks = this.#open(containerId, initPid);
      this.#watched.set(containerId, marks);
      this.#way = marks.group.way;
      for (const fd of marks.fds) this.#byFd.set(fd, marks);
      this.#refused.worked();
      const failures = Object.fromEntries(marks.failures);
      this.#options.logger.debug({ containerId, marks: marks.size, failures }, 'the files of a container are watched');
    } catch (error) {
      this.#refused.refused(containerId, error);
    }
    this.#publish();
  }

  /** Reads and reports what waits now; answers how many events there were. */
  drain(fds: Iterable<number> = this.#byFd.keys()): number {
    let count = 0;
    const tellOfNode = this.#node?.read();
    const batches = this.#reads.collect(new Set([...fds].map((fd) => this.#byFd.get(fd))));
    // After the files' events were taken: every program that was executed before one of them is then known.
    if (batches.length > 0 || tellOfNode !== undefined) this.#options.drainSensor();
    tellOfNode?.();
    this.#reads.settle();
    for (const { marks, events } of batches) {
      count += events.length;
      this.#guarded(marks, () => this.#reporter.report(marks, events), 'files could not be told of to the end');
    }
    this.#metrics.events.inc(count);
    return count;
  }

  /** Who last wrote a file before now, where that was watched; to be asked while the sensor's records are read. */
  lastWrite(containerId: string, path: string): FileWrite | undefined {
    const marks = this.#watched.get(containerId);
    // The kernel will not say again that there is something to read.
    if (marks !== undefined && this.#reads.readEarly(marks)) this.#later(() => this.drain([marks.group.fd]));
    return this.#reads.lastWrite(containerId, path);
  }

  close(): void {
    if (this.#stopping.signal.aborted) return;
    clearInterval(this.#timer);
    this.#stopping.abort();
    this.drain();
    for (const id of [...this.#watched.keys()]) this.#drop(id);
    this.#node?.close();
    this.#waiter.close();
  }

  async #read(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const ready = await this.#waiter.wait();
      if (signal.aborted || ready.length === 0) continue;
      this.drain(ready);
      await sleep(gatherMs, signal);
    }
  }

  /** What goes wrong with the files of one container must not cost the others theirs. */
  #guarded({ containerId }: ContainerMarks, task: () => void, failed: string): void {
    try {
      task();
    } catch (error) {
      this.#options.logger.debug({ err: error, containerId }, failed);
    }
  }

  #open(containerId: string, initPid: number): ContainerMarks {
    const { procRoot, list, budget = defaultBudget, way } = this.#options;
    const root = new ContainerRoot(procRoot, initPid, containerId, this.#hostMountNamespace);
    let marks: ContainerMarks | undefined;
    try {
      marks = new ContainerMarks(containerId, root, list, budget, way);
      marks.place(performance.now());
      for (const fd of marks.fds) this.#waiter.add(fd);
      return marks;
    } catch (error) {
      if (marks === undefined) root.close();
      else marks.close();
      throw error;
    }
  }

  #drop(containerId: string): void {
    const marks = this.#watched.get(containerId);
    if (marks === undefined) return;
    this.drain([marks.group.fd]);
    this.#muted.settle(marks, Number.POSITIVE_INFINITY);
    this.#watched.delete(containerId);
    for (const fd of marks.fds) {
      this.#byFd.delete(fd);
      this.#waiter.remove(fd);
    }
    marks.close();
    this.#publish();
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#ticks++;
    this.#node?.tick(nowMs, this.#ticks % ticksPerHealing === 0);
    let index = 0;
    for (const marks of [...this.#watched.values()]) {
      const isDue =
        (this.#ticks + index++) % (marks.names === undefined ? ticksPerHealing : ticksPerHealingByPath) === 0;
      if (isDue && !marks.root.alive) this.#dropDead(marks.containerId);
      else if (this.#muted.settle(marks, nowMs) || isDue || marks.isTakeUpDue) this.#takeUp(marks, nowMs);
    }
    this.#publish();
  }

  /** The process that showed the files has ended. The container may not have: then its first program shows them. */
  #dropDead(containerId: string): void {
    this.#drop(containerId);
    const container = this.#options.container(containerId);
    if (container !== undefined) this.onContainer(container);
  }

  /** Also takes up what appeared where no directory told of it, and what replaced a marked file. */
  #takeUp(marks: ContainerMarks, nowMs: number): void {
    this.#guarded(marks, () => this.#reporter.takeUp(marks, nowMs), 'the files could not be marked again');
  }

  #publish(): void {
    this.#metrics.containers.set(this.#watched.size);
    this.#metrics.marks.set([...this.#watched.values()].reduce((sum, marks) => sum + marks.size, 0));
  }
}
