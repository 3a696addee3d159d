import type { HookWay } from '../../agent/sensor/hooks.ts';

/**
 * good: as it should be. weaker: Tallyman runs and sees or does less. blocked: containers cannot be watched. unknown:
 * could not look.
 */
export type CheckState = 'good' | 'weaker' | 'blocked' | 'unknown';

/** One thing the doctor looked at. Serialised as it is by --json. */
export interface Check {
  /** "BTF" */
  name: string;
  state: CheckState;
  /** What was looked at: a file, a socket, a call. */
  looked: string;
  found: string;
  /** Of a hook: every way to attach it, best first, with the reasons why better ones are not used. */
  ways?: HookWay[];
  /** What follows from it; undefined when all is well. */
  follows?: string;
  /** What to do about it. */
  todo?: string;
}

export interface Verdict {
  /** True when containers can be watched on this machine. */
  canWatch: boolean;
  checks: Check[];
}

export function verdictOf(checks: Check[]): Verdict {
  return { canWatch: checks.every((check) => check.state !== 'blocked'), checks };
}
