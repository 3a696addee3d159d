export interface LearningOptions {
  /** How long containers that were seen from their start must have run before a baseline is ready, ms. */
  minObservedMs: number;
  /** How many containers must have been seen from their start. */
  minContainers: number;
  /** A baseline nothing of which ran for so long is stale, ms. */
  staleAfterMs: number;
}

const hourMs = 3_600_000;

export const defaultLearning: LearningOptions = {
  minObservedMs: hourMs,
  minContainers: 1,
  staleAfterMs: 30 * 24 * hourMs,
};

/** Candidates and refused facts kept of a baseline; what is beyond is counted. */
export const maxUnlearned = 500;
export const maxBaselines = 20_000;
/** Shapes of arguments kept of a program and its parent; behind it they count as any. */
export const maxShapes = 32;
/** Facts of baselines held in memory; the others are read again when they are needed. */
export const maxFactsInMemory = 400_000;
