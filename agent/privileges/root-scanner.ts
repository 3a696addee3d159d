import { sleep } from '../../common/backoff.ts';
import { growingLru } from '../../common/lru.ts';
import type { Metrics } from '../../common/metrics.ts';
import { type OverlayRoot, readOverlayRoot } from '../container/overlay.ts';
import type { PrivilegeFact } from './privilege-facts.ts';
import { scanRoot } from './root-scan.ts';

export interface RootScannerOptions {
  /** Between two looks at a container; 0: its files are never looked at. */
  intervalMs: number;
  procRoot: string;
  onFact: (containerId: string, fact: PrivilegeFact) => void;
  metrics: Metrics;
}

type ScanFact = Extract<PrivilegeFact, { $case: 'rootScanned' }>;

/** A container whose writable layer is looked at. */
interface Watched {
  root: Promise<OverlayRoot>;
  setUpUntilMs: number;
  dueMs: number;
  ended: boolean;
  /** Directories told already. */
  told: Set<string>;
  /** What was told last of the whole, and when. */
  lastScan: string;
  lastScanToldMs: number;
}

/** The first look, unless all are more frequent. */
const firstLookMs = 60_000;
/** Between containers: nothing here is urgent. */
const pauseMs = 100;
const maxContainers = 4_096;
const maxStartsRemembered = 65_536;
/** Of one container: a directory is told again when something about it has changed. */
const maxDirectoriesTold = 512;
/** What has not changed is told again after so long, as a sign that it was looked at. */
const refreshMs = 3_600_000;
const tickMs = 1_000;

/** Looks through the writable layers of containers, one after the other, now and then and when they end. */
export class RootScanner {
  readonly #options: RootScannerOptions;
  readonly #watched = new Map<string, Watched>();
  /** Their layers may hold what an earlier run wrote. */
  readonly #started = growingLru<string, true>(maxStartsRemembered);
  readonly #stopping = new AbortController();
  readonly #scans;
  #running: Promise<void> | undefined;

  constructor(options: RootScannerOptions) {
    this.#options = options;
    this.#scans = options.metrics.counter(
      'root_scans_total',
      'Looks through writable layers of containers, by result',
      ['result'],
    );
  }

  start(): void {
    if (this.#options.intervalMs > 0) this.#running ??= this.#run();
  }

  /**
   * A container's first program runs. `setUpUntilMs`: what was written until then (Unix ms) is the runtime's; 0 when that
   * cannot be told from what the container wrote.
   */
  watch(containerId: string, pid: number, setUpUntilMs: number): void {
    const { intervalMs, procRoot } = this.#options;
    if (intervalMs === 0 || this.#stopping.signal.aborted) return;
    if (this.#watched.size >= maxContainers && !this.#watched.has(containerId)) return;
    const startedBefore = this.#started.has(containerId);
    this.#started.set(containerId, true);
    this.#watched.set(containerId, {
      // Now: the mounts are gone when the container ends.
      root: readOverlayRoot(procRoot, pid),
      setUpUntilMs: startedBefore ? 0 : setUpUntilMs,
      dueMs: performance.now() + Math.min(firstLookMs, intervalMs),
      ended: false,
      ...{ told: new Set(), lastScan: '', lastScanToldMs: 0 },
    });
  }

  watches(containerId: string): boolean {
    return this.#watched.has(containerId);
  }

  /** A last look, while the layer is still there. */
  ended(containerId: string): void {
    const watched = this.#watched.get(containerId);
    if (watched === undefined) return;
    watched.ended = true;
    watched.dueMs = performance.now();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(tickMs, signal);
      for (const [containerId, watched] of this.#watched) {
        if (signal.aborted) return;
        if (watched.dueMs > performance.now()) continue;
        watched.dueMs = performance.now() + this.#options.intervalMs;
        await this.#scan(containerId, watched);
        await sleep(pauseMs, signal);
      }
    }
  }

  async #scan(containerId: string, watched: Watched): Promise<void> {
    const { signal } = this.#stopping;
    const { setUpUntilMs, ended } = watched;
    const facts = await scanRoot(this.#options.procRoot, await watched.root, { setUpUntilMs, signal });
    if (signal.aborted) return;
    // It may have been started again meanwhile.
    if (ended && this.#watched.get(containerId) === watched) this.#watched.delete(containerId);
    for (const fact of facts) {
      if (fact.$case === 'rootScanned') this.#tellScan(containerId, watched, fact, ended);
      else this.#tellDirectory(containerId, watched, fact);
    }
  }

  #tellDirectory(containerId: string, { told }: Watched, fact: PrivilegeFact): void {
    const key = JSON.stringify(fact);
    if (told.has(key) || told.size >= maxDirectoriesTold) return;
    told.add(key);
    this.#options.onFact(containerId, fact);
  }

  #tellScan(containerId: string, watched: Watched, { $case, value }: ScanFact, ended: boolean): void {
    const isTold = watched.told.size < maxDirectoriesTold;
    const complete = value.complete && isTold;
    this.#scans.inc({ result: complete ? 'complete' : 'incomplete' });
    // The layer of a container that has ended is often removed before it can be looked at: what is known stays.
    if (ended && !complete) return;
    const reason = isTold ? value.reason : `more than ${maxDirectoriesTold} changes of directories`;
    const fact = { $case, value: { ...value, complete, reason } };
    const scan = JSON.stringify(fact);
    const now = performance.now();
    if (scan === watched.lastScan && now - watched.lastScanToldMs < refreshMs && !ended) return;
    watched.lastScan = scan;
    watched.lastScanToldMs = now;
    this.#options.onFact(containerId, fact);
  }
}
