import { performance } from 'node:perf_hooks';
import { baselineIdOf } from '../../common/baseline-key.ts';
import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { type Baseline, type BaselineKey, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import { toObservation } from '../inbox/observations.ts';
import type { Records } from '../records/papers.ts';
import type { InboxItem, Store } from '../store/store.ts';
import { type NotedAlert, refuseAround } from './alerts.ts';
import { BaselineBook } from './baseline-book.ts';
import { createBaselineMetrics } from './baseline-metrics.ts';
import { DiffQueue } from './diff-queue.ts';
import { type Applied, type ApplyRequest, applyBaseline, type EditProblem, setFrozen } from './edit.ts';
import type { BaselineHead } from './head.ts';
import type { LearnedFacts } from './learned-facts.ts';
import { Learner } from './learner.ts';
import { isForgettable, Lifecycle } from './lifecycle.ts';
import { baselineMessage } from './message.ts';
import { type LearningOptions, maxBaselines } from './options.ts';
import { type StateAnswer, stateOf } from './state.ts';

export interface BaselinesOptions extends LearningOptions {
  store: Store;
  records: Pick<Records, 'lookup'>;
  /** Names of the nodes whose agents are connected. */
  connectedNodes(): ReadonlySet<string>;
  logger: Logger;
  metrics: Metrics;
  /** Unix ms; the system's clock when undefined. */
  clock?: () => number;
}

const tickMs = 1_000;
/** A process that was stopped for longer has not watched. */
const maxElapsedMs = 10_000;
/** What only counts is written every so many ticks. */
const ticksPerFlush = 5;
const exitedKeptMs = 24 * 3_600_000;

/** What workloads normally do: learned from all agents, kept in the store, told to agents, edited by people. */
export class Baselines {
  readonly book: BaselineBook;
  readonly metrics;
  readonly #options: BaselinesOptions;
  readonly #learner: Learner;
  readonly #lifecycle: Lifecycle;
  readonly #diffs: DiffQueue;
  readonly #episode: Episode;
  readonly #listeners = new Set<(baselineId: string) => void>();
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = performance.now();
  #ticks = 0;

  /** @throws {CodedError} of the store. */
  constructor(options: BaselinesOptions) {
    this.#options = options;
    const { store, records, logger, minObservedMs } = options;
    this.metrics = createBaselineMetrics(options.metrics);
    this.book = new BaselineBook(store);
    const changed = (id: string): void => this.#changed(id);
    this.#learner = new Learner({
      ...{ book: this.book, minObservedMs, metrics: this.metrics, logger, changed },
      earlierObservations: (nodeName, containerId) => store.listObservations(nodeName, containerId).map(toObservation),
    });
    this.#lifecycle = new Lifecycle(this.book, options, changed);
    this.#diffs = new DiffQueue({ book: this.book, records, changed, logger });
    this.#episode = new Episode(logger, 'writing baselines');
  }

  /** Lets time pass from now on. */
  start(): void {
    for (const { nodeName, container, updatedAtUnixMs } of this.#options.store.listContainers())
      if (!this.book.containers.has(`${nodeName} ${container.id}`))
        this.#learner.container(nodeName, container, undefined, updatedAtUnixMs);
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  /** Lets so much time pass, of which agents watched all; the wall clock decides only what is stale. */
  pass(elapsedMs: number, nowUnixMs: number): void {
    this.#lifecycle.tick({ elapsedMs, nowUnixMs, nodes: this.#options.connectedNodes() });
  }

  /** Learns in memory; `flush` must follow before the item is done. @throws {CodedError} of the store. */
  learn(item: InboxItem): void {
    this.#learner.take(item);
  }

  /** @throws {CodedError} of the store. */
  flush(): void {
    this.book.flush();
  }

  /** An alert of medium severity or higher, not about how the container was started. @throws {CodedError} of the store. */
  alerted(alert: NotedAlert): void {
    const outcome = refuseAround(this.book, alert);
    if (outcome === undefined || outcome.refused === 0) return;
    this.book.flush();
    this.metrics.facts.inc({ result: 'refused' }, outcome.refused);
    this.#changed(outcome.baselineId);
  }

  /** Called with the id of each baseline of which agents may have to be told. */
  subscribe(listener: (baselineId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ids of the baselines of containers that run on a node. */
  idsOf(nodeName: string): Set<string> {
    const ids = new Set<string>();
    for (const one of this.book.containers.values())
      if (one.running && one.nodeName === nodeName) ids.add(one.baselineId);
    return ids;
  }

  /** Names of the nodes on which containers of these baselines run. */
  nodesOf(ids: ReadonlySet<string>): Map<string, Set<string>> {
    const nodes = new Map<string, Set<string>>();
    for (const { running, baselineId, nodeName } of this.book.containers.values()) {
      if (!running || !ids.has(baselineId)) continue;
      const known = nodes.get(baselineId);
      if (known === undefined) nodes.set(baselineId, new Set([nodeName]));
      else known.add(nodeName);
    }
    return nodes;
  }

  keyOf(id: string): BaselineKey | undefined {
    return this.book.heads.get(id)?.key;
  }

  messageOf(id: string): Baseline | undefined {
    const head = this.book.heads.get(id);
    return head === undefined ? undefined : baselineMessage(head, this.book.factsOf(id), this.stateOf(head));
  }

  stateOf(head: BaselineHead): StateAnswer {
    return stateOf(head, this.#options, this.#now());
  }

  factsOf(id: string): LearnedFacts {
    return this.book.factsOf(id);
  }

  versionOf(id: string): string {
    return this.book.factsOf(id).version();
  }

  /** @throws {CodedError} of the store. */
  apply(request: ApplyRequest): Applied | EditProblem {
    const applied = applyBaseline(this.book, request, this.#now());
    if (!('problem' in applied)) this.#edited(applied.id);
    return applied;
  }

  /** @throws {CodedError} of the store. */
  setFrozen(id: string, frozen: boolean): EditProblem | undefined {
    const problem = setFrozen(this.book, id, frozen, this.#now());
    if (problem === undefined) this.#edited(id);
    return problem;
  }

  /** Of a container as its agent names it; undefined when it has none. */
  idOfContainer(nodeName: string, container: Pick<Container, 'id'>): string | undefined {
    return this.book.containers.get(`${nodeName} ${container.id}`)?.baselineId;
  }

  idOfKey(key: BaselineKey): string {
    return baselineIdOf(key);
  }

  #now(): number {
    return this.#options.clock?.() ?? Date.now();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#diffs.close();
    this.#flushAll();
  }

  #edited(id: string): void {
    this.book.flush();
    this.#changed(id);
  }

  #changed(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }

  #tick(): void {
    const nowMs = performance.now();
    const elapsedMs = Math.min(nowMs - this.#tickedAtMs, maxElapsedMs);
    this.#tickedAtMs = nowMs;
    this.pass(elapsedMs, this.#now());
    this.#diffs.wake();
    if (++this.#ticks % ticksPerFlush !== 0) return;
    this.#forget(this.#now());
    this.#flushAll();
    for (const [state, word] of Object.entries(stateWords))
      this.metrics.baselines.set({ state: word }, this.#lifecycle.counts().get(Number(state) as BaselineState) ?? 0);
  }

  #flushAll(): void {
    try {
      this.book.flushAll();
      this.#episode.recovered();
    } catch (thrown) {
      this.#episode.failed(errorText(thrown));
    }
  }

  /** Containers that ended a day ago; for room, baselines that nobody ran for long. */
  #forget(nowUnixMs: number): void {
    for (const one of [...this.book.containers.values()])
      if (!one.running && nowUnixMs - one.updatedAtUnixMs > exitedKeptMs) this.book.removeContainer(one);
    if (this.book.heads.size < maxBaselines * 0.9) return;
    for (const head of [...this.book.heads.values()])
      if (isForgettable(head, this.#options, nowUnixMs)) this.book.removeBaseline(head.id);
  }
}

export const stateWords: Readonly<Record<number, 'learning' | 'ready' | 'stale' | 'incomplete'>> = {
  [BaselineState.LEARNING]: 'learning',
  [BaselineState.READY]: 'ready',
  [BaselineState.STALE]: 'stale',
  [BaselineState.INCOMPLETE]: 'incomplete',
};
