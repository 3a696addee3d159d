import { maxFacts } from '../../common/baseline-content.ts';
import { BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import { factKinds } from './fact.ts';
import { type BaselineHead, isOpen } from './head.ts';
import type { LearningOptions } from './options.ts';

export interface StateAnswer {
  state: BaselineState;
  /** Why it is not ready, in words; empty when it is. */
  reason: string;
}

/** Judges a baseline by what was recorded of it; `nowUnixMs` matters for staleness only. */
export function stateOf(head: BaselineHead, options: LearningOptions, nowUnixMs: number): StateAnswer {
  if (head.frozen) return ready;
  if (!head.learned) return learningState(head, options);
  if (head.replacedBy !== undefined)
    return { state: BaselineState.STALE, reason: `containers run the image ${head.replacedBy} instead` };
  if (nowUnixMs - head.lastRanUnixMs >= options.staleAfterMs)
    return {
      state: BaselineState.STALE,
      reason: `no container of it has run for ${durationText(options.staleAfterMs)}`,
    };
  return ready;
}

const ready: StateAnswer = { state: BaselineState.READY, reason: '' };

/** All that is asked for has been seen, so that learning can end. */
export function isLearningDone(head: BaselineHead, options: LearningOptions): boolean {
  return learningReason(head, options) === undefined && incompleteReason(head, options) === undefined;
}

/** The open parts of an inherited baseline have been watched for long enough. */
export function isOpenPartDone(head: BaselineHead, options: LearningOptions): boolean {
  if (!isOpen(head) || head.observedMs < head.openUntilObservedMs) return false;
  return gapReason(head, options) === undefined && isQuiet(head, options);
}

function learningState(head: BaselineHead, options: LearningOptions): StateAnswer {
  const incomplete = incompleteReason(head, options);
  if (incomplete !== undefined) return { state: BaselineState.INCOMPLETE, reason: incomplete };
  return { state: BaselineState.LEARNING, reason: learningReason(head, options) ?? 'about to be ready' };
}

function learningReason(head: BaselineHead, options: LearningOptions): string | undefined {
  const { minObservedMs, minContainers } = options;
  if (head.containers === 0)
    return 'no container of it has been seen from its start yet: what runs since before the agent counts after a restart';
  if (head.containers < minContainers) return `${head.containers} of ${minContainers} containers seen from their start`;
  if (head.observedMs < minObservedMs)
    return `watched for ${durationText(head.observedMs)} of ${durationText(minObservedMs)}`;
  if (!isQuiet(head, options))
    return `something new was learned ${durationText(head.observedMs - head.newestAtObservedMs)} ago; it waits for ${durationText(minObservedMs / 4)} without`;
  return undefined;
}

function isQuiet({ observedMs, newestAtObservedMs }: BaselineHead, { minObservedMs }: LearningOptions): boolean {
  return observedMs - newestAtObservedMs >= minObservedMs / 4;
}

function incompleteReason(head: BaselineHead, options: LearningOptions): string | undefined {
  const kind = factKinds.find((one) => (head.overflow[one] ?? 0) > 0);
  if (kind !== undefined)
    return `${head.overflow[kind]} ${kindNames[kind]} are beyond what is kept (${maxFacts[kind]}, or too long)`;
  return gapReason(head, options);
}

/** A gap counts until all that is asked for has been watched once more without one. */
function gapReason({ gap, observedMs }: BaselineHead, { minObservedMs }: LearningOptions): string | undefined {
  if (gap === undefined) return undefined;
  const cleanMs = observedMs - gap.atObservedMs;
  if (cleanMs >= minObservedMs) return undefined;
  return `${gap.text}; watched without loss for ${durationText(cleanMs)} of ${durationText(minObservedMs)} since`;
}

const kindNames = {
  executable: 'executables',
  destination: 'destinations',
  listen: 'listening ports',
  capability: 'capabilities',
} as const;

/** "45 s", "12 min", "3.5 h", "30 d": two digits are enough for people. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms / 1_000);
  if (seconds < 90) return `${round(seconds)} s`;
  if (seconds < 5_400) return `${round(seconds / 60)} min`;
  if (seconds < 172_800) return `${round(seconds / 3_600)} h`;
  return `${round(seconds / 86_400)} d`;
}

function round(value: number): string {
  return value >= 10 ? String(Math.floor(value)) : String(Math.floor(value * 10) / 10);
}
