import type { BaselineBook } from './baseline-book.ts';
import type { BaselineHead } from './head.ts';
import { LearnedFacts } from './learned-facts.ts';

/**
 * What a new digest takes over from the one before it: all that was learned. Nothing is learned anew but what changed, and
 * until that is known, only programs that are not listed are open. Undefined when there is nothing to inherit.
 */
export function inheritedBaseline(
  head: BaselineHead,
  book: BaselineBook,
  minObservedMs: number,
): LearnedFacts | undefined {
  const from = predecessorOf(head, book);
  if (from === undefined) return undefined;
  head.learned = true;
  head.learnedUntilUnixMs = head.learningSinceUnixMs;
  head.inheritedFrom = from.key.imageDigest;
  head.newPathsOpen = true;
  // What was still being learned of the one before goes on being learned.
  head.openPaths = [...from.openPaths];
  head.diffDue = true;
  head.diffNote = 'what changed is not known yet: the SBOMs of the two images have not been compared';
  head.openUntilObservedMs = minObservedMs;
  const records = [...book.factsOf(from.id).records.values()].filter(({ status }) => status === 'learned');
  return new LearnedFacts(records.map((record) => ({ ...record })));
}

/** The learned baseline of another digest of the same repository and workload that ran last. */
export function predecessorOf({ id, key }: BaselineHead, book: BaselineBook): BaselineHead | undefined {
  // Two images without a name have nothing to do with each other.
  if (key.repository === '') return undefined;
  let latest: BaselineHead | undefined;
  for (const one of book.heads.values()) {
    if (one.id === id || one.key.repository !== key.repository || one.key.workload !== key.workload) continue;
    if (!one.learned && !one.frozen) continue;
    if (latest === undefined || isLater(one, latest)) latest = one;
  }
  return latest;
}

/** Of two that run beside each other, the newer one. */
function isLater(one: BaselineHead, other: BaselineHead): boolean {
  if (one.lastRanUnixMs !== other.lastRanUnixMs) return one.lastRanUnixMs > other.lastRanUnixMs;
  return one.learningSinceUnixMs > other.learningSinceUnixMs;
}
