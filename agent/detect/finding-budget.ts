import { growingLru } from '../../common/lru.ts';
import { TokenBucket } from '../../common/token-bucket.ts';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Rule } from './rule.ts';

export interface FindingBudgetOptions {
  /** Different findings of one rule in one container at once. */
  burst: number;
  perSecond: number;
}

const maxBuckets = 16_384;

/**
 * How many different findings of one rule a container can cause: whoever makes a new one with every breath does not fill
 * queues, stores and screens with them. Beyond it they count as repeats of one. Not for high and critical ones: a flood of
 * them is told one by one, and no other rule or container ever pays.
 */
export class FindingBudget {
  readonly #options: FindingBudgetOptions;
  readonly #buckets = growingLru<string, TokenBucket>(maxBuckets);

  constructor(options: FindingBudgetOptions) {
    this.#options = options;
  }

  /** True while another finding of this rule can be told. */
  take(rule: Rule, containerId: string, ktimeNs: bigint): boolean {
    if (rule.severity >= Severity.HIGH) return true;
    const key = `${rule.id} ${containerId}`;
    const nowMs = Number(ktimeNs / 1_000_000n);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#options.burst, this.#options.perSecond, nowMs);
      this.#buckets.set(key, bucket);
    }
    return bucket.take(nowMs);
  }
}

/** The key under which all findings beyond the budget are counted. */
export function overflowKeyOf(rule: Rule, containerId: string): string {
  return JSON.stringify([rule.id, rule.severity, containerId, { beyond: 'budget' }]);
}
