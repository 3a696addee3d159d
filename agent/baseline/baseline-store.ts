import { LRUCache } from 'lru-cache';
import { type BaselineKeyAnswer, baselineKeyOf, baselineKeyText } from '../../common/baseline-key.ts';
import { Episode } from '../../common/episode.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { BaselineKey, BaselineUpdate } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { Container } from '../container/container.ts';
import { type BaselineMetrics, createBaselineMetrics } from './baseline-metrics.ts';
import { compileBaseline } from './compile-baseline.ts';
import type { BaselineAnswers, CompiledBaseline } from './compiled-baseline.ts';

export interface BaselineStoreOptions {
  logger: Logger;
  metrics: Metrics;
  /** A baseline has come or changed. */
  onChanged?: (key: string) => void;
  /** Default 10 000. */
  maxBaselines?: number;
  /** Of all baselines together. Default 1 000 000. */
  maxLines?: number;
}

/** Answers what a container's workload normally does. */
export interface Baselines {
  /** Undefined where there is none, or it has not been told yet. */
  of(container: Container): BaselineAnswers | undefined;
}

/** Of one message. */
const maxRefusalsLogged = 10;

interface Answer {
  generation: number;
  baseline: CompiledBaseline | undefined;
}

/**
 * The baselines that the collector told, in memory only: a new connection tells them again. What is told applies to the next
 * event. One that is wrong does not take the place of a good one.
 */
export class BaselineStore implements Baselines {
  readonly #options: BaselineStoreOptions;
  readonly #metrics: BaselineMetrics;
  readonly #baselines: LRUCache<string, CompiledBaseline>;
  /** The record of a container is replaced when it changes, so what is known of one stays right. */
  readonly #keys = new WeakMap<Container, BaselineKeyAnswer & { text?: string }>();
  readonly #answers = new WeakMap<Container, Answer>();
  readonly #room: Episode;
  #generation = 0;

  constructor(options: BaselineStoreOptions) {
    const { logger, metrics, maxBaselines = 10_000, maxLines = 1_000_000 } = options;
    this.#options = options;
    this.#metrics = createBaselineMetrics(metrics);
    this.#room = new Episode(logger, 'room for baselines');
    this.#baselines = new LRUCache({
      ...{ max: maxBaselines, maxSize: maxLines, sizeCalculation: ({ lines }) => lines },
      dispose: (_baseline, key, reason) => {
        if (reason === 'evict') this.#evicted(key);
      },
    });
    this.#metrics.kept(() => [...this.#baselines.values()].map(({ state }) => state));
  }

  update({ baselines, removed }: BaselineUpdate): void {
    this.#generation++;
    for (const key of removed) if (this.#baselines.delete(baselineKeyText(key))) this.#metrics.received('removed');
    let refusals = 0;
    for (const message of baselines) {
      const compiled = message.key === undefined ? { refused: 'it has no key' } : compileBaseline(message);
      if ('refused' in compiled) this.#refuse(message.key, compiled.refused, ++refusals);
      else if (message.key !== undefined) this.#keep(baselineKeyText(message.key), compiled);
    }
  }

  of(container: Container): CompiledBaseline | undefined {
    const known = this.#answers.get(container);
    if (known?.generation === this.#generation) return known.baseline;
    const key = this.keyOf(container);
    const baseline = key === undefined ? undefined : this.#baselines.get(key);
    this.#answers.set(container, { generation: this.#generation, baseline });
    return baseline;
  }

  /** Undefined for a container that cannot have a baseline. */
  keyOf(container: Container): string | undefined {
    const known = this.#keys.get(container);
    if (known !== undefined) return known.text;
    const answer = baselineKeyOf(container);
    const text = 'key' in answer ? baselineKeyText(answer.key) : undefined;
    this.#keys.set(container, { ...answer, ...(text === undefined ? {} : { text }) });
    return text;
  }

  /** Whether any is ready, so that rules which need one are evaluated. */
  get hasReady(): boolean {
    return [...this.#baselines.values()].some(({ isReady }) => isReady);
  }

  #keep(key: string, baseline: CompiledBaseline): void {
    this.#baselines.set(key, baseline);
    this.#generation++;
    this.#metrics.received('applied');
    this.#options.onChanged?.(key);
  }

  #refuse(key: BaselineKey | undefined, reason: string, nth: number): void {
    this.#metrics.received('refused');
    if (nth > maxRefusalsLogged) return;
    const { logger } = this.#options;
    logger.error(
      { baseline: key, reason },
      'a baseline from the collector is refused: the one before stays, if there is one',
    );
    if (nth === maxRefusalsLogged) logger.error('further ones of this message are only counted');
  }

  #evicted(key: string): void {
    this.#generation++;
    this.#metrics.received('evicted');
    this.#room.failed(`the baseline of ${key} was dropped: its containers are watched without one`);
  }
}
