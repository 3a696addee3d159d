import { sleep } from '../../common/backoff.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { type Container, ContainerState } from '../container/container.ts';
import type { FileEvent } from '../decode/kernel-event.ts';
import { hostMountNamespace } from '../sensor/host-namespace.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import type { ActorsOptions } from './actors.ts';
import { ContainerMarks, type MarkBudget } from './container-marks.ts';
import { ContainerRoot } from './container-root.ts';
import { decodeFanotify, type FanotifyEvent } from './decode-fanotify.ts';
import { DescriptorWaiter } from './descriptor-waiter.ts';
import { createFileMetrics, type FileMetrics } from './file-metrics.ts';
import { FileReporter } from './file-reporter.ts';
import { MutedPlaces } from './muted-places.ts';
import { SystemError } from './system-error.ts';
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
}

const defaultBudget: MarkBudget = { burst: 2000, perSecond: 200 };
/** Events gather while there is work: the kernel joins repeats of one process on one file while they wait. */
const gatherMs = 20;
const maxReadsPerTurn = 16;
const tickMs = 1000;
const ticksPerHealing = 60;

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
  readonly #hostMountNamespace: bigint;
  readonly #refused = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;

  /** @throws {SystemError} when descriptors cannot be waited for; {CodedError} SENSOR_UNAVAILABLE */
  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#metrics = createFileMetrics(options.metrics);
    this.#muted = new MutedPlaces({ onGap: options.onGap, muteMs: options.muteMs ?? 10_000 });
    this.#reporter = new FileReporter({ ...options, muted: this.#muted, metrics: this.#metrics });
    this.#hostMountNamespace = hostMountNamespace(options.procRoot);
  }

  /** Containers whose files are watched. */
  get size(): number {
    return this.#watched.size;
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
    if (known?.root.pid === initPid && known.root.alive) return;
    this.#drop(containerId);
    try {
      const marks = this.#open(containerId, initPid);
      this.#watched.set(containerId, marks);
      this.#byFd.set(marks.group.fd, marks);
      this.#refused.clear();
      const failures = Object.fromEntries(marks.failures);
      this.#options.logger.debug({ containerId, marks: marks.size, failures }, 'the files of a container are watched');
    } catch (error) {
      this.#refuse(containerId, error);
    }
    this.#publish();
  }

  /** Reads and reports what waits now; answers how many events there were. */
  drain(fds: Iterable<number> = this.#byFd.keys()): number {
    let count = 0;
    const batches = [...fds].flatMap((fd) => this.#collect(this.#byFd.get(fd)));
    // After the files' events were taken: every program that was executed before one of them is then known.
    if (batches.length > 0) this.#options.drainSensor();
    for (const { marks, events } of batches) {
      count += events.length;
      this.#reporter.report(marks, events);
    }
    this.#metrics.events.inc(count);
    return count;
  }

  close(): void {
    if (this.#stopping.signal.aborted) return;
    clearInterval(this.#timer);
    this.#stopping.abort();
    this.drain();
    for (const id of [...this.#watched.keys()]) this.#drop(id);
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

  #collect(marks: ContainerMarks | undefined): { marks: ContainerMarks; events: FanotifyEvent[] }[] {
    if (marks === undefined) return [];
    const events: FanotifyEvent[] = [];
    try {
      for (let reads = 0; reads < maxReadsPerTurn; reads++) {
        const batch = marks.group.read();
        if (batch.length === 0) break;
        decodeFanotify(batch, (event) => events.push(event));
      }
    } catch (error) {
      this.#metrics.invalid.inc();
      this.#options.logger.warn({ err: error, containerId: marks.containerId }, 'events of files were skipped');
      this.#muted.overflowed(marks.containerId);
    }
    return events.length === 0 ? [] : [{ marks, events }];
  }

  #open(containerId: string, initPid: number): ContainerMarks {
    const { procRoot, list, budget = defaultBudget } = this.#options;
    const root = new ContainerRoot(procRoot, initPid, containerId, this.#hostMountNamespace);
    let marks: ContainerMarks | undefined;
    try {
      marks = new ContainerMarks(containerId, root, list, budget);
      marks.place(performance.now());
      this.#waiter.add(marks.group.fd);
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
    this.#byFd.delete(marks.group.fd);
    this.#waiter.remove(marks.group.fd);
    marks.close();
    this.#publish();
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#ticks++;
    let index = 0;
    for (const marks of [...this.#watched.values()]) {
      const isDue = (this.#ticks + index++) % ticksPerHealing === 0;
      if (isDue && !marks.root.alive) this.#drop(marks.containerId);
      else if (this.#muted.settle(marks, nowMs) || isDue) this.#placeAgain(marks, nowMs);
    }
    this.#publish();
  }

  /** Also takes up what appeared where no directory told of it, and what replaced a marked file. */
  #placeAgain(marks: ContainerMarks, nowMs: number): void {
    try {
      marks.place(nowMs);
    } catch (error) {
      this.#options.logger.debug({ err: error, containerId: marks.containerId }, 'the files could not be marked again');
    }
  }

  #refuse(containerId: string, error: unknown): void {
    const code = error instanceof SystemError || error instanceof CodedError ? error.code : 'UNKNOWN';
    this.#metrics.refused.inc({ code });
    // A container that ended at once, or whose runtime tells a pid from before: its next update brings it again.
    if (code === 'NOT_THE_CONTAINER') return;
    const reason = `its files are not watched: ${errorText(error)}${hints[code] ?? ''}`;
    if (!this.#refused.has(code))
      this.#options.logger.warn({ containerId, reason }, 'the files of containers are not watched');
    this.#refused.add(code);
    const now = readClockNs(Clock.realtime);
    const gap = {
      hop: 'fanotify',
      type: 'file',
      count: 1n,
      fromUnixNs: now,
      toUnixNs: now,
      containerIds: [containerId],
      ...{ ongoing: false, totalCount: 1n },
    };
    this.#options.onGap({ ...gap, reason });
  }

  #publish(): void {
    this.#metrics.containers.set(this.#watched.size);
    let marks = 0;
    for (const each of this.#watched.values()) marks += each.size;
    this.#metrics.marks.set(marks);
  }
}

const hints: Record<string, string> = {
  EMFILE: ' (raise the sysctl fs.fanotify.max_user_groups: one is needed for each container)',
  EPERM: ' (CAP_SYS_ADMIN is needed)',
};
