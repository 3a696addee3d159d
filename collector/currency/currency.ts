import type { Metrics } from '../../common/metrics.ts';
import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import type { ImageFindings } from '../images/image-findings.ts';
import type { Records } from '../records/papers.ts';
import { changesOf, type PapersChange } from './paper-changes.ts';
import { type RedecisionOptions, Redecisions } from './redecisions.ts';
import { Relook } from './relook.ts';
import { tellOfTrust } from './trust.ts';

export interface CurrencyOptions extends RedecisionOptions {
  records: Pick<Records, 'lookup'>;
  imageFindings: Pick<ImageFindings, 'report' | 'resolve'>;
  metrics: Metrics;
}

/**
 * Keeps what is known of running images current: their papers are looked for again, and what has changed goes to the alerts
 * that were decided by it.
 */
export class Currency {
  readonly #options: CurrencyOptions;
  readonly #relook: Relook;
  readonly #redecisions: Redecisions;
  readonly #changed;

  constructor(options: CurrencyOptions) {
    this.#options = options;
    this.#relook = new Relook(options);
    this.#redecisions = new Redecisions(options);
    this.#changed = options.metrics.counter('papers_changed_total', 'Papers that are others than before, by paper.', [
      'paper',
    ]);
  }

  start(): void {
    this.#relook.start();
  }

  async close(): Promise<void> {
    this.#relook.close();
    await this.#redecisions.close();
  }

  containerSeen(container: Container): void {
    this.#relook.containerSeen(container);
  }

  /**
   * To be called whenever papers of an image may have changed: by the look-up, with what was known before; by whoever
   * learns of something new about an image (an advisory), with `because`. Returns at once.
   */
  papersChanged(change: PapersChange): void {
    const changes = changesOf(change);
    for (const text of changes) this.#changed.inc({ paper: text.slice(0, text.indexOf(':')) });
    if (changes.length === 0 && change.because === undefined) return;
    const { logger } = this.#options;
    logger.info({ image: change.image.reference, changes, because: change.because }, 'papers of an image have changed');
    this.#redecisions.papersChanged(change);
    void tellOfTrust(change, this.#options.imageFindings, logger);
  }
}
