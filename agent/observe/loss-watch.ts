import { Episode } from '../../common/episode.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Loss } from '../container/loss-windows.ts';
import { type ContainerLossRow, type LedgerRow, type LossReasonName, lossReasons } from '../sensor/ledger.ts';
import type { Mismatch } from '../sensor/ledger-check.ts';

/** What the watch sees of the sensor. */
export interface LossSource {
  /** The kernel's account; counts only grow. */
  ledger(): LedgerRow[];
  /** What of it is known to be whose. */
  containerLosses(): ContainerLossRow[];
  /** What has come to differ between what was sent and what was received; undefined when that could not be said yet. */
  checkLedger(): Mismatch[] | undefined;
  /** Hook → how often the kernel skipped its program. */
  programMisses(): Map<string, bigint>;
  /** Changes whenever something is lost. */
  readonly lossSignal: number;
}

export interface LossWatchOptions {
  source: LossSource;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  /** The container of a cgroup; undefined when it is not known, null when it is none. */
  containerOf: (cgroupId: bigint) => string | null | undefined;
  onLoss: (loss: Loss) => void;
  /** Executions, forks or ends of processes were lost: the process tree is not right any more. */
  onTreeDamaged?: () => void;
  logger: Logger;
  metrics: Metrics;
}

/** Between two checks that the programs' signal asks for. */
const leastIntervalNs = 100_000_000n;
const treeTypes: ReadonlySet<string> = new Set(['exec', 'fork', 'exit']);

/** Compares the kernel's ledger with its last state and with what was received; what is missing becomes a loss. */
export class LossWatch {
  readonly #options: LossWatchOptions;
  readonly #last = new Map<string, bigint>();
  readonly #containerCounts = new Map<string, bigint>();
  /** Losses by type and reason: of all, and of those that are some container's. */
  readonly #attributed = new Map<string, bigint>();
  /** What was nobody's at the last check, beyond what has been told: half counted losses are told at the next. */
  readonly #pending = new Map<string, bigint>();
  readonly #told = new Map<string, bigint>();
  readonly #balance: Episode;
  readonly #sent;
  readonly #lost;
  readonly #mismatches;
  #checkedKtimeNs: bigint;
  #seenSignal = 0;

  constructor(options: LossWatchOptions) {
    const { logger, metrics } = options;
    this.#options = options;
    this.#checkedKtimeNs = options.nowKtimeNs();
    this.#balance = new Episode(logger, 'ledger of records (sent = received + lost)');
    this.#sent = metrics.counter('records_sent_total', 'Records the kernel sent', ['type']);
    this.#lost = metrics.counter('records_lost_total', 'Records the kernel could not send', ['type', 'reason']);
    this.#mismatches = metrics.counter(
      'records_unaccounted_total',
      'Records sent and not received, or received and not sent; always 0 where all is well',
      ['type'],
    );
  }

  /** Costs nothing while nothing is lost; to be called often, so that what follows a loss is marked from the start. */
  notice(): void {
    const signal = this.#options.source.lossSignal;
    if (signal === this.#seenSignal || this.#options.nowKtimeNs() - this.#checkedKtimeNs < leastIntervalNs) return;
    this.check();
  }

  /** To be called every few seconds, and before the end. */
  check(): void {
    const { source, nowKtimeNs } = this.#options;
    const fromKtimeNs = this.#checkedKtimeNs;
    this.#seenSignal = source.lossSignal;
    // The total first: what is counted for a container is counted in the total before.
    const rows = source.ledger();
    const losses = source.containerLosses();
    this.#checkedKtimeNs = nowKtimeNs();
    const window = { fromKtimeNs, toKtimeNs: this.#checkedKtimeNs };
    const damaged = this.#containers(losses, window);
    const more = rows.map((row) => this.#row(row, window)).some(Boolean);
    this.#unaccounted(window);
    this.#missed(window);
    if (damaged || more) this.#options.onTreeDamaged?.();
  }

  #containers(losses: readonly ContainerLossRow[], window: { fromKtimeNs: bigint }): boolean {
    let damaged = false;
    for (const { containerKey, type, reason, count, sinceKtimeNs, lastKtimeNs } of losses) {
      const delta = advance(this.#containerCounts, `${containerKey} ${type} ${reason}`, count);
      if (delta <= 0n) continue;
      addTo(this.#attributed, `${type} ${reason}`, delta);
      damaged ||= treeTypes.has(type);
      const containerId = this.#options.containerOf(containerKey);
      // Of no container: nothing that anybody waits for.
      if (containerId === null) continue;
      const fromKtimeNs = sinceKtimeNs > window.fromKtimeNs ? sinceKtimeNs : window.fromKtimeNs;
      const toKtimeNs = lastKtimeNs > fromKtimeNs ? lastKtimeNs : fromKtimeNs;
      this.#options.onLoss({ hop: hopOf(reason), type, reason, count: delta, fromKtimeNs, toKtimeNs, containerId });
    }
    return damaged;
  }

  #row(row: LedgerRow, window: Pick<Loss, 'fromKtimeNs' | 'toKtimeNs'>): boolean {
    let damaged = false;
    this.#sent.inc({ type: row.type }, Number(advance(this.#last, `${row.type} sent`, row.sent)));
    for (const reason of lossReasons) {
      const key = `${row.type} ${reason}`;
      const delta = advance(this.#last, key, row.lost[reason]);
      if (delta > 0n) this.#lost.inc({ type: row.type, reason }, Number(delta));
      const nobodys = row.lost[reason] - (this.#attributed.get(key) ?? 0n) - (this.#told.get(key) ?? 0n);
      const pending = this.#pending.get(key) ?? 0n;
      this.#pending.set(key, nobodys);
      const count = nobodys < pending ? nobodys : pending;
      if (count <= 0n) continue;
      addTo(this.#told, key, count);
      this.#pending.set(key, nobodys - count);
      damaged ||= treeTypes.has(row.type);
      this.#options.onLoss({ hop: hopOf(reason), type: row.type, reason, count, ...window, containerId: undefined });
    }
    return damaged;
  }

  #unaccounted(window: Pick<Loss, 'fromKtimeNs' | 'toKtimeNs'>): void {
    const mismatches = this.#options.source.checkLedger();
    if (mismatches === undefined) return;
    if (mismatches.length === 0) this.#balance.recovered();
    for (const { type, cpu, missing } of mismatches) {
      const count = missing < 0n ? -missing : missing;
      this.#mismatches.inc({ type }, Number(count));
      this.#balance.failed(`${missing} ${type} records of CPU ${cpu} are unaccounted for`);
      const loss = { hop: 'ring-buffer', type, reason: 'unaccounted', count, ...window };
      this.#options.onLoss({ ...loss, containerId: undefined });
    }
  }

  #missed(window: Pick<Loss, 'fromKtimeNs' | 'toKtimeNs'>): void {
    for (const [hook, misses] of this.#options.source.programMisses()) {
      const count = advance(this.#last, `${hook} missed`, misses);
      if (count <= 0n) continue;
      const loss = { hop: 'program', type: hook, reason: 'program-missed', count, ...window };
      this.#options.onLoss({ ...loss, containerId: undefined });
    }
  }

  /** A cgroup that is gone: what it lost is not counted any more. */
  forget(cgroupId: bigint): void {
    const prefix = `${cgroupId} `;
    if (this.#containerCounts.size === 0) return;
    for (const key of this.#containerCounts.keys()) if (key.startsWith(prefix)) this.#containerCounts.delete(key);
  }
}

function hopOf(reason: LossReasonName): string {
  return reason === 'throttled' ? 'budget' : 'ring-buffer';
}

function advance(counts: Map<string, bigint>, key: string, value: bigint): bigint {
  const delta = value - (counts.get(key) ?? 0n);
  counts.set(key, value);
  return delta;
}

function addTo(counts: Map<string, bigint>, key: string, value: bigint): void {
  counts.set(key, (counts.get(key) ?? 0n) + value);
}
