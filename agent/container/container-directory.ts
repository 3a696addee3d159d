import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { CgroupMkdirEvent, CgroupRmdirEvent } from '../decode/kernel-event.ts';
import { assumedContainer } from './assumed-container.ts';
import { type Cgroup, CgroupIndex } from './cgroup-index.ts';
import { type CgroupMember, CgroupMembers } from './cgroup-members.ts';
import { type CgroupLookup, type Container, ContainerState } from './container.ts';
import { ContainerResolver } from './container-resolver.ts';
import { ContainerTable } from './container-table.ts';
import { type ContainerDirectoryStatus, directoryStatus } from './directory-status.ts';
import { readOwnCgroupId } from './own-cgroup.ts';
import type { ContainerRuntime } from './runtime.ts';
import { RuntimeInbox } from './runtime-inbox.ts';

export interface ContainerDirectoryOptions {
  runtimes: readonly ContainerRuntime[];
  /** Mount point of the cgroup v2 hierarchy. */
  cgroupRoot: string;
  /** "/proc" by default. */
  procRoot?: string;
  /** The agent's own cgroup, never watched; read from /proc when undefined. */
  ownCgroupId?: bigint;
  logger: Logger;
  metrics: Metrics;
  /**
   * What the kernel should do with tasks of a cgroup, and the cgroup id of the container it is part of (0: of none); called
   * again when that changes.
   */
  onVerdict: (cgroupId: bigint, verdict: 'watch' | 'ignore', containerKey: bigint) => void;
  /** A removed cgroup is forgotten: its verdict has no use any more. */
  onForgotten?: (cgroupId: bigint) => void;
  /** A container has become known or has changed. Records are never changed in place. */
  onUpdate: (container: Container) => void;
  /** How long exited containers and removed cgroups are still known. Default 5 min. */
  afterLifeMs?: number;
  /** False only where a plain directory stands in for the hierarchy. */
  requireCgroup2?: boolean;
  nowMs?: () => number;
}

export interface ContainerDirectory {
  /**
   * Resolves when the containers that run are known, or their runtime turned out to be away.
   * @throws CodedError cgroup-root-unreadable, not-cgroup2
   */
  start(): Promise<void>;
  lookup(cgroupId: bigint): CgroupLookup;
  onCgroupMkdir(event: CgroupMkdirEvent): void;
  onCgroupRmdir(event: CgroupRmdirEvent): void;
  /** For tasks that nobody can say more about: a record of what the cgroup path tells, its posture unknown. */
  assume(cgroupId: bigint): Container;
  /** All containers known, exited ones included while they are remembered. */
  list(): Container[];
  get(id: string): Container | undefined;
  /** Diff ids of the layers of a container's image, the lowest first; empty when nobody tells. @throws CodedError of the runtime */
  layerDigests(container: Container): Promise<readonly string[]>;
  /** Compares with the hierarchy soon: births and deaths of cgroups may have gone unreported. */
  rescan(): void;
  /** Calls the listener whenever a look-up may have a new answer; answers how to stop that. */
  subscribe(listener: () => void): () => void;
  status(): ContainerDirectoryStatus;
  close(): Promise<void>;
}

const defaultAfterLifeMs = 300_000;
const maxExited = 10_000;
const maxAssumed = 1000;
const sweepIntervalMs = 30_000;
const sweepsPerRescan = 10;

/** Which container a cgroup belongs to, from the kernel's cgroup hierarchy and the container runtimes. */
export function createContainerDirectory(options: ContainerDirectoryOptions): ContainerDirectory {
  return new Directory(options);
}

class Directory implements ContainerDirectory {
  readonly #options: ContainerDirectoryOptions;
  readonly #runtimes: readonly ContainerRuntime[];
  readonly #index: CgroupIndex;
  readonly #members: CgroupMembers;
  readonly #table: ContainerTable;
  readonly #resolver: ContainerResolver;
  readonly #inbox: RuntimeInbox;
  readonly #listeners = new Set<() => void>();
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweeps = 0;
  #started = false;

  constructor(options: ContainerDirectoryOptions) {
    const { logger, metrics, nowMs = () => performance.now(), afterLifeMs = defaultAfterLifeMs } = options;
    this.#options = options;
    this.#runtimes = options.runtimes;
    this.#table = new ContainerTable({ onUpdate: this.#updated, afterLifeMs, maxExited, maxAssumed, nowMs });
    const onFound = (container: Container): void => this.#inbox.inspected(container);
    this.#resolver = new ContainerResolver({
      runtimes: this.#runtimes,
      logger,
      onFound,
      onAbsent: this.#settled,
      nowMs,
    });
    this.#members = new CgroupMembers(this.#table, this.#resolver, options.procRoot ?? '/proc');
    this.#inbox = new RuntimeInbox(this.#table, this.#members);
    this.#index = new CgroupIndex({
      ...{ cgroupRoot: options.cgroupRoot, logger, metrics, afterLifeMs, nowMs },
      requireCgroup2: options.requireCgroup2 ?? true,
      onAdded: (cgroup) => this.#cgroupAdded(cgroup),
      onForgotten: (cgroup) => this.#cgroupForgotten(cgroup),
    });
  }

  async start(): Promise<void> {
    const { procRoot = '/proc', cgroupRoot, ownCgroupId } = this.#options;
    this.#members.ownCgroupId = ownCgroupId ?? (await readOwnCgroupId(procRoot, cgroupRoot));
    this.#sweepTimer = setInterval(() => this.#sweep(), sweepIntervalMs);
    this.#sweepTimer.unref();
    await this.#index.scan();
    await Promise.all(this.#runtimes.map((runtime) => runtime.start(this.#inbox)));
    this.#started = true;
    for (const member of this.#members.all()) this.#resolveUnknown(member);
  }

  lookup(cgroupId: bigint): CgroupLookup {
    const member = this.#members.get(cgroupId);
    if (member !== undefined) return this.#members.lookup(member);
    this.#index.requestScan();
    return { state: 'unknown' };
  }

  onCgroupMkdir(event: CgroupMkdirEvent): void {
    this.#index.add(event.cgroupId, event.path);
  }

  onCgroupRmdir(event: CgroupRmdirEvent): void {
    this.#index.remove(event.cgroupId);
    const container = this.#table.get(this.#members.ownerOf(event.cgroupId) ?? '');
    if (container?.cgroupId !== event.cgroupId) return;
    // Nobody else will tell the end of a container that no runtime knows.
    if (this.#table.isAssumed(container.id)) {
      this.#table.put(ended(container), true);
      return;
    }
    for (const runtime of this.#runtimes) if (runtime.name === container.runtime) runtime.hint?.(container.id);
  }

  assume(cgroupId: bigint): Container {
    const member = this.#members.get(cgroupId);
    const id = member && this.#members.outermostCertain(member);
    const known = id === undefined ? undefined : this.#table.get(id);
    if (known !== undefined) return known;
    const assumed = this.#members.withCgroup(assumedContainer(id, cgroupId, member));
    // It may have been too short for anybody to ask meanwhile.
    const container = this.#index.isRemoved(assumed.cgroupId) ? ended(assumed) : assumed;
    if (id !== undefined) this.#table.put(container, true);
    return container;
  }

  list(): Container[] {
    return this.#table.list();
  }

  get(id: string): Container | undefined {
    return this.#table.get(id);
  }

  async layerDigests({ runtime: name, image }: Container): Promise<readonly string[]> {
    const runtime = this.#runtimes.find((one) => one.name === name);
    return image === undefined ? [] : ((await runtime?.layerDigests?.(image)) ?? []);
  }

  rescan(): void {
    this.#index.requestScan();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): ContainerDirectoryStatus {
    return directoryStatus(this.#runtimes, this.#table.list(), this.#index.size);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweepTimer);
    this.#listeners.clear();
    await Promise.all([...this.#runtimes.map((runtime) => runtime.close()), this.#index.close()]);
  }

  #updated = (container: Container): void => {
    this.#options.onUpdate(container);
    this.#settled(container.id);
  };

  /** A question about this container has been answered. */
  #settled = (containerId: string): void => {
    for (const cgroupId of this.#members.cgroupsOf(containerId)) this.#judge(this.#members.get(cgroupId));
    this.#notify();
  };

  #cgroupAdded(cgroup: Cgroup): void {
    const member = this.#members.add(cgroup);
    this.#judge(member);
    if (this.#started) this.#resolveUnknown(member);
    const container = this.#table.get(this.#members.ownerOf(cgroup.cgroupId) ?? '');
    if (container !== undefined)
      this.#table.put(this.#members.withCgroup(container), this.#table.isAssumed(container.id));
    this.#notify();
  }

  #cgroupForgotten(cgroup: Cgroup): void {
    this.#members.forget(cgroup.cgroupId);
    this.#options.onForgotten?.(cgroup.cgroupId);
  }

  #resolveUnknown(member: CgroupMember): void {
    for (const { id } of member.containers) if (this.#table.get(id) === undefined) this.#resolver.request(id);
  }

  /** Tells the kernel what changed; a cgroup whose nature is still open is left to what the kernel does by default. */
  #judge(member: CgroupMember | undefined): void {
    const verdict = member && this.#members.verdict(member);
    if (member === undefined || verdict === undefined) return;
    const containerKey = verdict === 'watch' ? this.#members.containerKey(member) : 0n;
    if (verdict === member.verdict && containerKey === member.containerKey) return;
    member.verdict = verdict;
    member.containerKey = containerKey;
    this.#options.onVerdict(member.cgroup.cgroupId, verdict, containerKey);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  #sweep(): void {
    if (++this.#sweeps % sweepsPerRescan === 0) this.rescan();
    this.#index.sweep();
    this.#table.sweep();
  }
}

function ended(container: Container): Container {
  return { ...container, state: ContainerState.EXITED, finishedUnixNs: BigInt(Date.now()) * 1_000_000n };
}
