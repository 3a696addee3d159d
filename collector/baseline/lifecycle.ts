import type { BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { BaselineBook } from './baseline-book.ts';
import { type BaselineHead, isOpen } from './head.ts';
import type { LearningOptions } from './options.ts';
import { isLearningDone, isOpenPartDone, stateOf } from './state.ts';

export interface Tick {
  /** Since the tick before, by a clock that does not jump, ms. */
  elapsedMs: number;
  nowUnixMs: number;
  /** Names of nodes whose agent is connected. */
  nodes: ReadonlySet<string>;
}

/** What of a key runs at the moment on nodes whose agents are connected. */
interface Running {
  fromStart: boolean;
}

/** Lets time pass: what was watched for long enough becomes ready, what nobody runs becomes stale. */
export class Lifecycle {
  readonly #book: BaselineBook;
  readonly #options: LearningOptions;
  readonly #changed: (baselineId: string) => void;
  readonly #states = new Map<string, BaselineState>();

  constructor(book: BaselineBook, options: LearningOptions, changed: (baselineId: string) => void) {
    this.#book = book;
    this.#options = options;
    this.#changed = changed;
  }

  /** How many baselines are in each state, as of the last tick. */
  counts(): Map<BaselineState, number> {
    const counts = new Map<BaselineState, number>();
    for (const state of this.#states.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  tick({ elapsedMs, nowUnixMs, nodes }: Tick): void {
    const running = this.#running(nodes);
    for (const [id, { fromStart }] of running) {
      const head = this.#book.heads.get(id);
      if (head === undefined) continue;
      head.lastRanUnixMs = nowUnixMs;
      if (fromStart) head.observedMs += elapsedMs;
      this.#book.headCounted(id);
      if (isLearningDone(head, this.#options) && !head.learned && !head.frozen) this.#learned(head, nowUnixMs);
      if (isOpenPartDone(head, this.#options)) this.#closeOpenPart(head);
    }
    this.#findReplaced(running);
    this.#noteStates(nowUnixMs);
  }

  #running(nodes: ReadonlySet<string>): Map<string, Running> {
    const running = new Map<string, Running>();
    for (const one of this.#book.containers.values()) {
      if (!one.running || !nodes.has(one.nodeName)) continue;
      const known = running.get(one.baselineId);
      if (known === undefined) running.set(one.baselineId, { fromStart: one.fromStart });
      else known.fromStart ||= one.fromStart;
    }
    return running;
  }

  #learned(head: BaselineHead, nowUnixMs: number): void {
    head.learned = true;
    head.learnedUntilUnixMs = nowUnixMs;
    head.gap = undefined;
    this.#book.headChanged(head.id);
    this.#changed(head.id);
  }

  #closeOpenPart(head: BaselineHead): void {
    if (head.frozen) return;
    head.openPaths = [];
    head.newPathsOpen = false;
    head.gap = undefined;
    this.#book.headChanged(head.id);
    this.#changed(head.id);
  }

  /** A baseline is replaced while nothing of it runs and a newer one of the same workload is learned and has run for long. */
  #findReplaced(running: ReadonlyMap<string, Running>): void {
    const newest = new Map<string, BaselineHead>();
    for (const id of running.keys()) {
      const head = this.#book.heads.get(id);
      if (head === undefined || head.key.repository === '' || !head.learned) continue;
      if (head.observedMs < this.#options.minObservedMs) continue;
      const group = groupOf(head);
      const known = newest.get(group);
      if (known === undefined || head.learningSinceUnixMs > known.learningSinceUnixMs) newest.set(group, head);
    }
    for (const head of this.#book.heads.values()) {
      const newer = running.has(head.id) ? undefined : newest.get(groupOf(head));
      const isReplaced = newer !== undefined && newer.learningSinceUnixMs >= head.learningSinceUnixMs;
      const replacedBy = isReplaced ? newer.key.imageDigest : running.has(head.id) ? undefined : head.replacedBy;
      if (replacedBy === head.replacedBy) continue;
      head.replacedBy = replacedBy;
      this.#book.headChanged(head.id);
    }
  }

  #noteStates(nowUnixMs: number): void {
    for (const head of this.#book.heads.values()) {
      const { state } = stateOf(head, this.#options, nowUnixMs);
      const before = this.#states.get(head.id);
      this.#states.set(head.id, state);
      if (before === undefined || before === state) continue;
      head.stateSinceUnixMs = nowUnixMs;
      this.#book.headChanged(head.id);
      this.#changed(head.id);
    }
    if (this.#states.size > this.#book.heads.size)
      for (const id of this.#states.keys()) if (!this.#book.heads.has(id)) this.#states.delete(id);
  }
}

function groupOf({ key }: BaselineHead): string {
  return JSON.stringify([key.repository, key.workload]);
}

/** Baselines that may be forgotten for room: nobody froze or edited them, and nothing of them ran for twice the time. */
export function isForgettable(head: BaselineHead, { staleAfterMs }: LearningOptions, nowUnixMs: number): boolean {
  return !head.frozen && !head.applied && !isOpen(head) && nowUnixMs - head.lastRanUnixMs >= 2 * staleAfterMs;
}
