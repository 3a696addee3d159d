import type { ProcessEntry, ProcessExecution } from './process.ts';

/**
 * How the oldest known ancestor of an execution came into the container: `internal` where that has an ancestor of its own
 * which is not known.
 */
export function originOf(execution: ProcessExecution): ProcessEntry {
  return oldestOf(execution).entry;
}

/** The oldest known ancestor of an execution, which may be itself. */
export function oldestOf(execution: ProcessExecution): ProcessExecution {
  let oldest = execution;
  while (oldest.parent !== undefined) oldest = oldest.parent;
  return oldest;
}

/** The program that executed this one; empty where none of the container did, undefined where it is not known. */
export function parentPathOf({ parent, parentMissing }: ProcessExecution): string | undefined {
  if (parent !== undefined) return parent.executable.path;
  return parentMissing ? undefined : '';
}
