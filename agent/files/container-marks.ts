import { fstatSync, readlinkSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { TokenBucket } from '../../common/token-bucket.ts';
import type { FileOperation } from '../decode/kernel-event.ts';
import { type ContainerRoot, expandPattern } from './container-root.ts';
import { decodeFanotify, type FanotifyEvent } from './decode-fanotify.ts';
import { FanotifyGroup, type FanotifyWay } from './fanotify.ts';
import { maskOf } from './file-operation.ts';
import { openGroup, openNameWatch } from './group-opener.ts';
import type { NameWatch } from './name-watch.ts';
import { identityOf, inodeOf, openInRoot, withFd } from './syscalls.ts';
import { SystemError } from './system-error.ts';
import type { WatchedEntry, WatchList } from './watch-list.ts';

export interface MarkBudget {
  /** Events at once. */
  burst: number;
  perSecond: number;
}

/** A file or directory of a container that is marked. */
export interface Mark {
  readonly identity: string;
  /** Path in the container, without symbolic links. */
  readonly path: string;
  readonly entry: WatchedEntry;
  /** Of all entries that name it. */
  readonly operations: Set<FileOperation>;
  mask: number;
  readonly bucket: TokenBucket;
  /** While its marks are taken away because too much happened there: until when, and what was left out. */
  muted: { untilMs: number; fromUnixNs: bigint; events: bigint } | undefined;
  mutedTimes: number;
  lastMutedMs: number;
}

const maxMarks = 2048;
const maxReadsAtOnce = 16;

/** The fanotify group of one container, what is marked in it, and where the marks lie. */
export class ContainerMarks {
  readonly containerId: string;
  readonly root: ContainerRoot;
  readonly group: FanotifyGroup;
  /** Where the group cannot tell of names. */
  readonly names: NameWatch | undefined;
  /** When what is new was taken up last, by performance.now(), and whether it has to be again. */
  takenUpMs = Number.NEGATIVE_INFINITY;
  isTakeUpDue = false;
  readonly #list: WatchList;
  readonly #budget: MarkBudget;
  readonly #marks = new Map<string, Mark>();
  readonly #byPath = new Map<string, Mark>();
  readonly #seen = new Set<string>();
  /** Why some paths could not be marked, by error code, with the first such path. */
  readonly failures = new Map<string, string>();

  /**
   * `way` is found by trying when it is not given. @throws {SystemError} when there can be no further group
   */
  constructor(containerId: string, root: ContainerRoot, list: WatchList, budget: MarkBudget, way?: FanotifyWay) {
    this.containerId = containerId;
    this.root = root;
    this.#list = list;
    this.#budget = budget;
    this.group = way === undefined ? openGroup(root) : new FanotifyGroup(way);
    if (this.group.way === 'descriptors') this.names = openNameWatch(this.failures);
  }

  /** Descriptors that can be read when something has happened. */
  get fds(): number[] {
    return this.names === undefined ? [this.group.fd] : [this.group.fd, this.names.fd];
  }

  /** Takes what has happened, a bounded part of it at once. @throws when the kernel's answer contradicts itself */
  read(onEvent: (event: FanotifyEvent) => void): void {
    this.names?.read(onEvent);
    for (let reads = 0; reads < maxReadsAtOnce; reads++) {
      const batch = this.group.read();
      if (batch.length === 0) return;
      decodeFanotify(batch, (event) => onEvent(event.fd < 0 ? event : this.#identified(event)));
    }
  }

  get size(): number {
    return this.#marks.size;
  }

  find(identity: string): Mark | undefined {
    return this.#marks.get(identity);
  }

  all(): IterableIterator<Mark> {
    return this.#marks.values();
  }

  /**
   * Marks everything of the list that the container has and that is not marked yet; can be repeated at any time. Answers
   * the marks that are new. @throws when the container's root cannot be reached any more
   */
  place(nowMs: number): Mark[] {
    const placed: Mark[] = [];
    this.#seen.clear();
    this.root.use((root) => {
      for (const { pattern, entry } of this.#list.patterns)
        for (const path of expandPattern(root, pattern)) {
          const mark = this.#place(root, path, entry, nowMs);
          if (mark !== undefined) placed.push(mark);
        }
    });
    // What lies at no watched path any more has been replaced or deleted.
    for (const mark of this.#marks.values()) if (!this.#seen.has(mark.identity)) this.#forget(mark);
    return placed;
  }

  /** Takes the marks of one place away for a while. */
  mute(mark: Mark, muted: NonNullable<Mark['muted']>): void {
    mark.muted = muted;
    mark.mutedTimes++;
    this.names?.remove(mark.identity);
    try {
      this.root.use((root) =>
        withFd(openInRoot(root, mark.path), (fd) => {
          if (this.#identityOf(fd) !== mark.identity) throw new Error('something else is there now');
          const supported = this.group.supported(mark.mask);
          if (supported !== 0) this.group.unmark(fd, supported);
        }),
      );
    } catch {
      this.#removeAllBut(mark);
    }
  }

  /** Lets the place be marked again by the next call of place(). */
  unmute(mark: Mark): void {
    mark.muted = undefined;
    mark.mask = 0;
  }

  close(): void {
    this.group.close();
    this.names?.close();
    this.root.close();
  }

  /** Where a mark cannot be reached by its path any more, all are removed and the others put back. */
  #removeAllBut(mark: Mark): void {
    this.group.flush();
    for (const other of this.#marks.values()) if (other !== mark && other.muted === undefined) this.unmute(other);
    try {
      this.place(performance.now());
    } catch {
      // The container has ended.
    }
  }

  #place(root: number, path: string, entry: WatchedEntry, nowMs: number): Mark | undefined {
    try {
      return withFd(openInRoot(root, path), (fd) => this.#markDescriptor(fd, entry, nowMs));
    } catch (error) {
      const code = error instanceof SystemError ? error.code : 'UNKNOWN';
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && !this.failures.has(code))
        this.failures.set(code, `${path}: ${error}`);
      return undefined;
    }
  }

  #markDescriptor(fd: number, entry: WatchedEntry, nowMs: number): Mark | undefined {
    const stat = fstatSync(fd);
    const isDirectory = stat.isDirectory();
    // Runtimes hide files of /proc by putting /dev/null over them, which everybody opens all the time.
    if (isDirectory !== (entry.kind === 'directory') || isNullDevice(stat)) return undefined;
    const identity = this.#identityOf(fd);
    this.#seen.add(identity);
    const mask = maskOf(entry.operations, entry.kind);
    const known = this.#marks.get(identity);
    if (known !== undefined) {
      for (const operation of entry.operations) known.operations.add(operation);
      if (known.muted !== undefined || (known.mask & mask) === mask) return undefined;
      this.#watch(fd, identity, mask, isDirectory);
      known.mask |= mask;
      return undefined;
    }
    if (this.#marks.size >= maxMarks) throw new SystemError('too many marks', 28);
    this.#watch(fd, identity, mask, isDirectory);
    const mark: Mark = {
      identity,
      path: readlinkSync(`/proc/self/fd/${fd}`),
      entry,
      operations: new Set(entry.operations),
      mask,
      bucket: new TokenBucket(this.#budget.burst, this.#budget.perSecond, nowMs),
      muted: undefined,
      mutedTimes: 0,
      lastMutedMs: 0,
    };
    this.#marks.set(identity, mark);
    this.#byPath.set(mark.path, mark);
    return mark;
  }

  #watch(fd: number, identity: string, mask: number, isDirectory: boolean): void {
    const supported = this.group.supported(mask);
    if (supported !== 0) this.group.mark(fd, supported, isDirectory);
    if (isDirectory) this.names?.add(fd, identity, mask);
  }

  #forget(mark: Mark): void {
    this.#marks.delete(mark.identity);
    if (this.#byPath.get(mark.path) === mark) this.#byPath.delete(mark.path);
    this.names?.remove(mark.identity);
  }

  #identityOf(fd: number): string {
    return this.group.way === 'identities' ? identityOf(fd) : inodeOf(fd);
  }

  /** Completes an event that came with a descriptor of the file; closes it. */
  #identified(event: FanotifyEvent): FanotifyEvent {
    return withFd(event.fd, (fd) => {
      const path = readlinkSync(`/proc/self/fd/${fd}`).replace(/ \(deleted\)$/, '');
      const file = this.#byPath.get(path)?.identity ?? inodeOf(fd);
      const directory = this.#byPath.get(posix.dirname(path))?.identity ?? '';
      return { ...event, file, directory, name: posix.basename(path) };
    });
  }
}

/** Character device 1:3, as the kernel counts them. */
function isNullDevice(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === ((1 << 8) | 3);
}
