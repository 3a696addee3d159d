import { baselineIdOf } from '../../common/baseline-key.ts';
import type { BaselineKey } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { ImageQuery } from '../records/papers.ts';
import type { FactKind } from './fact.ts';

/** The last loss that concerned a baseline while it was learned. */
export interface LearningGap {
  /** "128 exec records of container 3f2a… lost (throttled)" */
  text: string;
  atUnixMs: number;
  /** `observedMs` of the baseline then. */
  atObservedMs: number;
}

/** All of a baseline but its facts. Kept as JSON. */
export interface BaselineHead {
  id: string;
  key: BaselineKey;
  /** Learned once: new facts are candidates from then on. */
  learned: boolean;
  frozen: boolean;
  learningSinceUnixMs: number;
  /** 0 while it is learned. */
  learnedUntilUnixMs: number;
  /** When `learned`, `frozen` or the computed state changed last. */
  stateSinceUnixMs: number;
  /** Running time of containers seen from their start, by a clock that cannot jump. */
  observedMs: number;
  /** `observedMs` when something was learned last. */
  newestAtObservedMs: number;
  /** Containers seen from their start. */
  containers: number;
  /** When a container of it was last known to run. */
  lastRanUnixMs: number;
  gap: LearningGap | undefined;
  /** Facts not kept because there were too many or they were too long. */
  overflow: Partial<Record<FactKind, number>>;
  /** Candidates and refused facts that were not kept. */
  unlearnedOverflow: number;
  /** Digest of the image whose baseline this one began with. */
  inheritedFrom: string | undefined;
  /** Executables that came or changed with this digest, learned until `openUntilObservedMs`. */
  openPaths: string[];
  newPathsOpen: boolean;
  /** The SBOMs of the two images still have to be compared. */
  diffDue: boolean;
  /** In words: how it became known what changed. */
  diffNote: string;
  openUntilObservedMs: number;
  /** A person said what is expected. */
  applied: boolean;
  /** Digest of the image that took its place. */
  replacedBy: string | undefined;
  image: ImageQuery | undefined;
}

export function newHead(key: BaselineKey, nowUnixMs: number): BaselineHead {
  return {
    id: baselineIdOf(key),
    key,
    ...{ learned: false, frozen: false, applied: false },
    ...{ learningSinceUnixMs: nowUnixMs, learnedUntilUnixMs: 0, stateSinceUnixMs: nowUnixMs, lastRanUnixMs: nowUnixMs },
    ...{ observedMs: 0, newestAtObservedMs: 0, containers: 0 },
    ...{ gap: undefined, overflow: {}, unlearnedOverflow: 0 },
    ...{ inheritedFrom: undefined, openPaths: [], newPathsOpen: false, diffDue: false, diffNote: '' },
    ...{ openUntilObservedMs: 0, replacedBy: undefined, image: undefined },
  };
}

/** What changed with the digest is still being learned. */
export function isOpen({ openPaths, newPathsOpen }: BaselineHead): boolean {
  return newPathsOpen || openPaths.length > 0;
}
