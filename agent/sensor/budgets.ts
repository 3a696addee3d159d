import { BudgetClass } from '../decode/layout.generated.ts';
import type { Constant } from './bpf-object.ts';

export interface Budget {
  /** Records a second, for as long as one likes; 0: no limit. */
  perSecond: number;
  /** Records at once after a calm time. */
  burst: number;
}

/** What each container may send, by kind of record. `reserve` is for what has not been seen of the container before. */
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

const classes: Record<keyof Budgets, number> = {
  exec: BudgetClass.BUDGET_EXEC,
  fork: BudgetClass.BUDGET_FORK,
  privilege: BudgetClass.BUDGET_PRIVILEGE,
  network: BudgetClass.BUDGET_NETWORK,
  other: BudgetClass.BUDGET_OTHER,
  reserve: BudgetClass.BUDGET_RESERVE,
};

const nsPerSecond = 1_000_000_000;

/** The budgets as the programs want them: the time that refills one record, and how much of it may be owed. */
export function budgetConstants(budgets: Budgets): Constant[] {
  const cost = new Array<bigint>(BudgetClass.BUDGET_CLASS_MAX).fill(0n);
  const burst = new Array<bigint>(BudgetClass.BUDGET_CLASS_MAX).fill(0n);
  for (const name of Object.keys(classes) as (keyof Budgets)[]) {
    const { perSecond, burst: records } = budgets[name];
    if (perSecond === 0) continue;
    cost[classes[name]] = BigInt(Math.max(1, Math.round(nsPerSecond / perSecond)));
    burst[classes[name]] = (cost[classes[name]] ?? 0n) * BigInt(Math.max(0, records - 1));
  }
  return [
    { name: 'budget_cost_ns', bytes: 8, value: cost },
    { name: 'budget_burst_ns', bytes: 8, value: burst },
  ];
}
