import { Baseline, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { BaselineHead } from './head.ts';
import type { LearnedFacts } from './learned-facts.ts';
import type { StateAnswer } from './state.ts';

/** What agents are told. The lines of a baseline that is not ready decide nothing, so they are not sent. */
export function baselineMessage(head: BaselineHead, facts: LearnedFacts, { state, reason }: StateAnswer): Baseline {
  const lines = state === BaselineState.READY ? facts.content() : {};
  return Baseline.fromPartial({
    key: head.key,
    state,
    version: facts.version(),
    frozen: head.frozen,
    ...lines,
    openPaths: state === BaselineState.READY ? head.openPaths.toSorted() : [],
    newPathsOpen: head.newPathsOpen,
    reason,
    learningSinceUnixNs: BigInt(head.learningSinceUnixMs) * 1_000_000n,
    learnedUntilUnixNs: BigInt(head.learnedUntilUnixMs) * 1_000_000n,
    containers: head.containers,
  });
}
