import { setImmediate } from 'node:timers/promises';
import { sleep } from '../../common/backoff.ts';
import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { readSampledHead, sampledTaskBytes } from '../decode/layout.generated.ts';
import { decodeSampledTask, type SampledTask } from '../decode/sampled-task.ts';
import type { TaskSample } from '../sensor/task-sampler.ts';
import type { IntegrityMonitor } from './integrity-monitor.ts';
import type { TreeHealer } from './tree-healer.ts';

export interface SampleLoopOptions {
  takeSample: () => Promise<TaskSample>;
  /** Hands on all records that the kernel has written so far. */
  drainEvents: () => void;
  monitor: IntegrityMonitor;
  healer: TreeHealer;
  /** Pause between samples; 0: none are taken but at the start and after losses. */
  intervalMs: number;
  /** Told of the first thread of a process that is not as it was in its last sample, or had none. */
  onSampled?: (task: SampledTask) => void;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  logger: Logger;
  metrics: Metrics;
}

/** Tasks looked at before events get their turn again. */
const batchTasks = 256;
/** A process is gone, or was never told of, when two samples in a row say so: a record may be on its way. */
const confirmations = 2;
/** Between two samples that are to confirm each other. */
const confirmationMs = 100;

/** Takes samples of all tasks of containers, and has them compared with what is known. */
export class SampleLoop {
  readonly #options: SampleLoopOptions;
  readonly #stopping = new AbortController();
  readonly #sampling: Episode;
  readonly #taken;
  readonly #tasks;
  readonly #seconds;
  readonly #suppressed;
  #number = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SampleLoopOptions) {
    const { metrics, logger } = options;
    this.#options = options;
    this.#sampling = new Episode(logger, 'sampling the tasks of containers');
    this.#taken = metrics.counter('samples_total', 'Samples of the tasks of containers, by result', ['result']);
    this.#tasks = metrics.gauge('sampled_tasks', 'Tasks of containers in the last sample');
    this.#seconds = metrics.counter('sample_seconds_total', 'Time that samples took, waiting included');
    this.#suppressed = metrics.counter(
      'integrity_changes_suppressed_total',
      'Changes of a process that were not reported because it had too many',
    );
  }

  /** Enters what runs already. Twice: what a process forks before the programs know it is not in the first sample. */
  async seed(): Promise<number> {
    const first = await this.#inTurn(() => this.#take('seed'));
    return first + (await this.#inTurn(() => this.#take('seed')));
  }

  start(): void {
    if (this.#options.intervalMs > 0) void this.#run();
  }

  /** After a loss of records: what it left wrong is put right, also where no samples are taken otherwise. */
  async heal(): Promise<void> {
    if (this.#options.intervalMs > 0 && this.#options.intervalMs <= 10_000) return;
    for (let round = 0; round < confirmations && !this.#stopping.signal.aborted; round++) {
      if (round > 0) await sleep(confirmationMs, this.#stopping.signal);
      await this.#attempt();
    }
  }

  /** Resolves when a sample that is being taken has ended. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#turn.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(this.#options.intervalMs, signal);
      if (!signal.aborted) await this.#attempt();
    }
  }

  async #attempt(): Promise<void> {
    try {
      await this.#inTurn(() => this.#take('compare'));
      this.#taken.inc({ result: 'ok' });
      if (this.#sampling.failing) this.#sampling.recovered();
    } catch (error) {
      this.#taken.inc({ result: 'failed' });
      this.#sampling.failed(errorText(error));
    }
  }

  /** One sample at a time: they share their buffers. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(task);
    this.#turn = turn;
    return turn;
  }

  /** Answers how many processes were entered. */
  async #take(purpose: 'seed' | 'compare'): Promise<number> {
    const { monitor, healer, nowKtimeNs } = this.#options;
    const began = performance.now();
    const startedKtimeNs = nowKtimeNs();
    const sample = await this.#options.takeSample();
    // Whatever the kernel told before it was sampled comes before the comparison.
    this.#options.drainEvents();
    this.#number++;
    await this.#compareAll(sample);
    const entered = await healer.enter(purpose, this.#number, () => this.#stopping.signal.aborted);
    if (purpose === 'compare' && !this.#stopping.signal.aborted)
      healer.removeGone(monitor.absentees(this.#number, startedKtimeNs, confirmations));
    this.#suppressed.inc(monitor.takeSuppressed());
    this.#tasks.set(sample.count);
    this.#seconds.inc((performance.now() - began) / 1000);
    return entered;
  }

  async #compareAll(sample: TaskSample): Promise<void> {
    let sinceTurn = 0;
    for (const chunk of sample.chunks) {
      for (let at = 0; at < chunk.byteLength; at += sampledTaskBytes) this.#compare(chunk, at);
      sinceTurn += chunk.byteLength / sampledTaskBytes;
      if (sinceTurn < batchTasks) continue;
      sinceTurn = 0;
      await setImmediate();
      if (this.#stopping.signal.aborted) return;
    }
  }

  #compare(view: DataView, at: number): void {
    const { monitor, healer } = this.#options;
    const { pid, tid, startKtimeNs, fingerprint } = readSampledHead(view, at);
    if (monitor.isUnchanged(pid, startKtimeNs, tid, fingerprint, this.#number)) return;
    const task = decodeSampledTask(view, at);
    const outcome = monitor.compare(task, fingerprint);
    if (outcome === 'unknown' && pid === tid) healer.found(task);
    else if (outcome === 'missed-exec') healer.missedExec(task);
    else if (outcome === 'compared' && pid === tid) this.#options.onSampled?.(task);
  }
}
