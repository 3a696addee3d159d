import { mayHideUse } from '../../common/privilege-losses.ts';
import { ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import type { StoredGap } from '../store/store.ts';
import type { Evidence } from './evidence.ts';

/** For how long a container was watched, and what of that is not known. */
export interface Watch {
  sinceUnixMs: number;
  untilUnixMs: number;
  watchedMs: number;
  /** Why advice from this container alone would be a guess; empty when it is none. */
  problems: string[];
}

/** The agent reports once a minute; one that has not for so long does not watch. */
const agentSilentMs = 180_000;
const maxGapsNamed = 5;
/** `nowUnixMs` is the end for what still runs, as long as its agent is heard of. */
export function watchOf(evidence: Evidence, nowUnixMs: number): Watch {
  const { sinceUnixMs, startProblem } = beginOf(evidence);
  const untilUnixMs = Math.max(sinceUnixMs, endOf(evidence, nowUnixMs));
  const problems = startProblem === undefined ? [] : [startProblem];
  problems.push(...gapProblems(evidence.gaps, sinceUnixMs));
  if (evidence.isFull) problems.push('more was seen of it than is kept');
  return { sinceUnixMs, untilUnixMs, watchedMs: untilUnixMs - sinceUnixMs, problems };
}

function beginOf({ starts, stored }: Evidence): { sinceUnixMs: number; startProblem: string | undefined } {
  const seenStarts = starts.filter(({ fact }) => fact.startSeen);
  const found = starts.filter(({ fact }) => !fact.startSeen);
  const first = Math.min(...seenStarts.map((one) => one.firstSeenUnixMs));
  const last = Math.max(...seenStarts.map((one) => one.lastSeenUnixMs));
  const foundLast = Math.max(...found.map((one) => one.lastSeenUnixMs));
  if (seenStarts.length === 0) {
    const sinceUnixMs =
      found.length === 0 ? stored.updatedAtUnixMs : Math.min(...found.map((one) => one.firstSeenUnixMs));
    return { sinceUnixMs, startProblem: 'its start was not seen, and programs use most of their privileges then' };
  }
  if (found.length === 0) return { sinceUnixMs: first, startProblem: undefined };
  if (foundLast < last) return { sinceUnixMs: last, startProblem: undefined };
  const at = new Date(foundLast).toISOString();
  return {
    sinceUnixMs: first,
    startProblem: `the agent was started again: what happened before ${at} is not all known`,
  };
}

function endOf({ stored, agentSeenUnixMs }: Evidence, nowUnixMs: number): number {
  const { state, finishedUnixNs } = stored.container;
  if (state === ContainerState.EXITED && finishedUnixNs > 0n) return Number(finishedUnixNs / 1_000_000n);
  return nowUnixMs - agentSeenUnixMs > agentSilentMs ? agentSeenUnixMs : nowUnixMs;
}

function gapProblems(gaps: readonly StoredGap[], sinceUnixMs: number): string[] {
  const relevant = gaps.filter(({ gap }) => mayHideUse(gap.type) && Number(gap.toUnixNs / 1_000_000n) >= sinceUnixMs);
  const named = relevant.slice(0, maxGapsNamed).map(({ gap }) => {
    const at = new Date(Number(gap.toUnixNs / 1_000_000n)).toISOString();
    const whose = gap.containerIds.length === 0 ? ' of some container of the node' : '';
    return `lost around ${at}: ${gap.totalCount || gap.count} × ${gap.type}${whose} (${gap.hop}, ${gap.reason})`;
  });
  if (relevant.length > maxGapsNamed) named.push(`and ${relevant.length - maxGapsNamed} more losses`);
  return named;
}
