import { LRUCache } from 'lru-cache';

const maxRemembered = 16_384;

/** Counts repeats of a fact: the first is told at once, then one a minute with the number of those in between. */
export class Repeats {
  readonly #intervalMs: number;
  readonly #seen = new LRUCache<string, { toldAtMs: number; repeats: number }>({ max: maxRemembered });

  constructor(intervalMs = 60_000) {
    this.#intervalMs = intervalMs;
  }

  /** How many repeats went untold before this one; undefined when this is one of them. */
  admit(fact: string, nowMs: number): number | undefined {
    const known = this.#seen.get(fact);
    if (known !== undefined && nowMs - known.toldAtMs < this.#intervalMs) {
      known.repeats++;
      return undefined;
    }
    this.#seen.set(fact, { toldAtMs: nowMs, repeats: 0 });
    return known?.repeats ?? 0;
  }
}
