import { BudgetClass } from '../decode/layout.generated.ts';
import type { Constant } from './bpf-object.ts';

export interface Budget {
  /** Records a second, for as long as one likes; 0: no limit. */
  perSecond: number;
  /** Records at once after a calm time. */
  burst: number;
}

/**
 * What each container may send, by kind of record. `reserve` comes on top of each of them, for what has not been seen of the
 * container before: it has no part in a flood of repeats.
 */
export type Budgets = Record<'exec' | 'fork' | 'privilege' | 'network' | 'other' | 'reserve', Budget>;

/**
 * More than a busy build does, and a part of what the agent can take: a container that floods one kind loses records of
 * that kind only, and only its own.
 */
export const defaultBudgets: Budgets = {
  exec: { perSecond: 5_000, burst: 10_000 },
  fork: { perSecond: 10_000, burst: 20_000 },
  privilege: { perSecond: 1_000, burst: 2_000 },
  network: { perSecond: 2_000, burst: 4_000 },
  other: { perSecond: 1_000, burst: 2_000 },
  reserve: { perSecond: 500, burst: 2_000 },
};

const classes: Record<Exclude<keyof Budgets, 'reserve'>, number> = {
  exec: BudgetClass.BUDGET_EXEC,
  fork: BudgetClass.BUDGET_FORK,
  privilege: BudgetClass.BUDGET_PRIVILEGE,
  network: BudgetClass.BUDGET_NETWORK,
  other: BudgetClass.BUDGET_OTHER,
};

const nsPerSecond = 1_000_000_000;

/** The budgets as the programs want them: the time that refills one record, and how much of it may be owed. */
export function budgetConstants(budgets: Budgets): Constant[] {
  const cost = new Array<bigint>(BudgetClass.BUDGET_CLASS_MAX).fill(0n);
  const burst = new Array<bigint>(BudgetClass.BUDGET_CLASS_MAX).fill(0n);
  for (const [name, index] of Object.entries(classes))
    [cost[index], burst[index]] = costOf(budgets[name as keyof typeof classes]);
  const [reserveCost, reserveBurst] = costOf(budgets.reserve);
  return [
    { name: 'budget_cost_ns', bytes: 8, value: cost },
    { name: 'budget_burst_ns', bytes: 8, value: burst },
    { name: 'reserve_cost_ns', bytes: 8, value: reserveCost },
    { name: 'reserve_burst_ns', bytes: 8, value: reserveBurst },
  ];
}

function costOf({ perSecond, burst }: Budget): [bigint, bigint] {
  if (perSecond === 0) return [0n, 0n];
  const cost = BigInt(Math.max(1, Math.round(nsPerSecond / perSecond)));
  return [cost, cost * BigInt(Math.max(0, burst - 1))];
}
