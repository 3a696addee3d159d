import type { Logger } from './logger.ts';

/**
 * Says a thing once per episode: the first failure is logged as a warning, repeats are only counted, and the recovery is
 * logged with their number. Keeps a dead peer from filling the log.
 */
export class Episode {
  readonly #logger: Logger;
  readonly #what: string;
  #failures = 0;
  #lastReason = '';

  constructor(logger: Logger, what: string) {
    this.#logger = logger;
    this.#what = what;
  }

  get failing(): boolean {
    return this.#failures > 0;
  }

  get reason(): string {
    return this.#lastReason;
  }

  failed(reason: string): void {
    this.#failures++;
    const changed = reason !== this.#lastReason;
    this.#lastReason = reason;
    if (this.#failures === 1) this.#logger.warn({ reason }, `${this.#what}: failing`);
    else if (changed) this.#logger.debug({ reason }, `${this.#what}: still failing`);
  }

  recovered(): void {
    if (this.#failures === 0) return;
    this.#logger.info({ failures: this.#failures, lastReason: this.#lastReason }, `${this.#what}: working again`);
    this.#failures = 0;
    this.#lastReason = '';
  }
}
