import type { ProcessExecution } from '../process/process.ts';

/** Ancestors are followed this far; deeper trees are cut. */
export const maxAncestors = 64;

/**
 * The executions above this one, nearest first. What a process was between its fork and its exec is a copy of its parent
 * that did nothing of its own: it is left out.
 */
export function ancestorsOf(execution: ProcessExecution): ProcessExecution[] {
  const ancestors: ProcessExecution[] = [];
  let below = execution;
  for (let next = execution.parent; next !== undefined && ancestors.length < maxAncestors; next = next.parent) {
    if (isForkOf(next, below)) continue;
    ancestors.push(next);
    below = next;
  }
  return ancestors;
}

function isForkOf(copy: ProcessExecution, execution: ProcessExecution): boolean {
  const isSameProcess = copy.pid === execution.pid && copy.startKtimeNs === execution.startKtimeNs;
  return isSameProcess && copy.execKtimeNs === copy.startKtimeNs && copy.parent !== undefined;
}
