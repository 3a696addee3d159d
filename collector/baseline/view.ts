import type { Baselines } from './baselines.ts';
import { stateWords } from './baselines.ts';
import { factKinds } from './fact.ts';
import type { BaselineHead } from './head.ts';

const time = (unixMs: number): string | null => (unixMs === 0 ? null : new Date(unixMs).toISOString());

/** A baseline in a list. */
export function baselineSummary(baselines: Baselines, head: BaselineHead) {
  const { state, reason } = baselines.stateOf(head);
  const { repository, imageDigest: digest, workload } = head.key;
  return {
    ...{ id: head.id, repository, digest, workload },
    ...{ state: stateWords[state] ?? 'unknown', reason, since: time(head.stateSinceUnixMs), frozen: head.frozen },
    ...{ containers: head.containers, observedSeconds: Math.floor(head.observedMs / 1_000) },
    lastRan: time(head.lastRanUnixMs),
  };
}

/** All that is known of a baseline; facts in the order they were seen in. */
export function baselineDetail(baselines: Baselines, head: BaselineHead) {
  const facts = [...baselines.factsOf(head.id).records.values()].sort(
    (one, other) =>
      factKinds.indexOf(one.fact.kind) - factKinds.indexOf(other.fact.kind) ||
      one.firstSeenUnixMs - other.firstSeenUnixMs ||
      (one.key < other.key ? -1 : 1),
  );
  return {
    ...baselineSummary(baselines, head),
    version: baselines.versionOf(head.id),
    learningSince: time(head.learningSinceUnixMs),
    learnedUntil: time(head.learnedUntilUnixMs),
    applied: head.applied,
    inheritedFrom: head.inheritedFrom ?? null,
    ...{ openPaths: head.openPaths, newPathsOpen: head.newPathsOpen, openNote: head.diffNote },
    replacedBy: head.replacedBy ?? null,
    /** Not kept, because there were too many or they were too long. */
    beyondBound: { learned: head.overflow, unlearned: head.unlearnedOverflow },
    facts: facts.map(({ fact, status, reports, firstSeenUnixMs, lastSeenUnixMs, note }) => ({
      ...fact,
      ...{ status, reports, firstSeen: time(firstSeenUnixMs), lastSeen: time(lastSeenUnixMs), note },
    })),
  };
}
