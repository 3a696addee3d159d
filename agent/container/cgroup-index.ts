import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { scanCgroups } from './cgroup-scan.ts';

export interface Cgroup {
  /** Inode of the directory in the cgroup v2 hierarchy. */
  readonly cgroupId: bigint;
  /** Relative to the root of the hierarchy; "/" for the root. */
  readonly path: string;
}

export interface CgroupIndexOptions {
  /** Mount point of the cgroup v2 hierarchy. */
  cgroupRoot: string;
  logger: Logger;
  metrics: Metrics;
  /** Called once for each cgroup that becomes known. */
  onAdded: (cgroup: Cgroup) => void;
  /** Called when a removed cgroup is forgotten for good. */
  onForgotten: (cgroup: Cgroup) => void;
  /** How long a removed cgroup is still known. Default 5 min. */
  afterLifeMs?: number;
  /** Removed cgroups remembered at once. Default 16 384. */
  maxRemoved?: number;
  /** Living cgroups known at once. Default 65 536. */
  maxCgroups?: number;
  /** Least time between two scans that look-ups ask for. Default 500 ms. */
  rescanIntervalMs?: number;
  /** False only where a plain directory stands in for the hierarchy. */
  requireCgroup2?: boolean;
  nowMs?: () => number;
}

/** cgroup id ↔ path, from one scan of the hierarchy and the births and deaths the kernel reports after that. */
export class CgroupIndex {
  readonly #options: CgroupIndexOptions;
  readonly #nowMs: () => number;
  readonly #living = new Map<bigint, Cgroup & { addedAtMs: number }>();
  /** In order of removal. */
  readonly #removed = new Map<bigint, Cgroup & { removedAtMs: number }>();
  readonly #scans: Episode;
  readonly #refused;
  #scanning: Promise<void> | undefined;
  #lastScanMs = Number.NEGATIVE_INFINITY;
  #rescanTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CgroupIndexOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#scans = new Episode(options.logger, `scan of the cgroup hierarchy ${options.cgroupRoot}`);
    this.#refused = options.metrics.counter(
      'cgroups_refused_total',
      'cgroups not remembered because there are too many',
    );
  }

  get size(): number {
    return this.#living.size;
  }

  get(cgroupId: bigint): Cgroup | undefined {
    return this.#living.get(cgroupId) ?? this.#removed.get(cgroupId);
  }

  isRemoved(cgroupId: bigint): boolean {
    return this.#removed.has(cgroupId);
  }

  add(cgroupId: bigint, path: string): void {
    this.#removed.delete(cgroupId);
    const known = this.#living.get(cgroupId);
    if (known?.path === path) return;
    if (known === undefined && this.#living.size >= (this.#options.maxCgroups ?? 65_536)) {
      this.#refused.inc();
      return;
    }
    const cgroup = { cgroupId, path, addedAtMs: this.#nowMs() };
    this.#living.set(cgroupId, cgroup);
    this.#options.onAdded(cgroup);
  }

  remove(cgroupId: bigint): void {
    const cgroup = this.#living.get(cgroupId);
    if (cgroup === undefined) return;
    this.#living.delete(cgroupId);
    this.#removed.set(cgroupId, { cgroupId, path: cgroup.path, removedAtMs: this.#nowMs() });
    this.#forgetOld();
  }

  /** Forgets removed cgroups whose time is over. */
  sweep(): void {
    this.#forgetOld();
  }

  /**
   * Reads the whole hierarchy. Living cgroups that are not there any more are removed, so it also repairs what lost
   * records left behind. Scans do not overlap; rejects when the root cannot be read.
   */
  scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = undefined;
      this.#lastScanMs = this.#nowMs();
    });
    return this.#scanning;
  }

  /** Asks for a scan soon, because an id was seen that is not known. Rate limited. */
  requestScan(): void {
    if (this.#closed || this.#scanning !== undefined || this.#rescanTimer !== undefined) return;
    const intervalMs = this.#options.rescanIntervalMs ?? 500;
    const waitMs = Math.max(0, this.#lastScanMs + intervalMs - this.#nowMs());
    this.#rescanTimer = setTimeout(() => {
      this.#rescanTimer = undefined;
      this.scan().then(
        () => this.#scans.recovered(),
        (error) => this.#scans.failed(errorText(error)),
      );
    }, waitMs);
    this.#rescanTimer.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#rescanTimer);
    await this.#scanning?.catch(() => undefined);
  }

  async #scan(): Promise<void> {
    const startedAtMs = this.#nowMs();
    const seen = new Set<bigint>();
    const { requireCgroup2 = true, cgroupRoot, maxCgroups = 65_536 } = this.#options;
    await scanCgroups({ cgroupRoot, requireCgroup2, maxCgroups }, (cgroupId, path) => {
      seen.add(cgroupId);
      // Ids are not used again for a long time: one that was removed was only read before its removal.
      if (!this.#closed && !this.#removed.has(cgroupId)) this.add(cgroupId, path);
    });
    for (const cgroup of this.#living.values())
      if (!seen.has(cgroup.cgroupId) && cgroup.addedAtMs < startedAtMs) this.remove(cgroup.cgroupId);
  }

  #forgetOld(): void {
    const { afterLifeMs = 300_000, maxRemoved = 16_384 } = this.#options;
    const before = this.#nowMs() - afterLifeMs;
    for (const cgroup of this.#removed.values()) {
      if (cgroup.removedAtMs > before && this.#removed.size <= maxRemoved) return;
      this.#removed.delete(cgroup.cgroupId);
      this.#options.onForgotten(cgroup);
    }
  }
}
