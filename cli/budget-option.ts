import type { Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import { type Budget, type Budgets, defaultBudgets } from '../agent/sensor/budgets.ts';
import { option } from './options.ts';

const most = 1_000_000;

/** How many records each container may send, for `up` and `agent`. */
export function budgetOption(): Option {
  const what =
    'records a second and at once that each container may send of a kind (exec, fork, privilege, network, other, reserve), like exec=5000/10000; 0 a second: no limit (repeatable)';
  return option('--budget <kind=n/burst>', what).argParser(parseBudget);
}

/** "exec=5000/10000", or several with commas; what was given before is kept. */
export function parseBudget(text: string, previous: Partial<Budgets> = {}): Partial<Budgets> {
  const budgets: Partial<Record<string, Budget>> = { ...previous };
  for (const part of text.split(',')) {
    const match = /^\s*([a-z]+)=(\d{1,7})\/(\d{1,7})\s*$/.exec(part);
    const [, kind = '', perSecond, burst] = match ?? [];
    const budget = { perSecond: Number(perSecond), burst: Number(burst) };
    if (match === null || !Object.hasOwn(defaultBudgets, kind) || budget.perSecond > most || budget.burst > most)
      throw new InvalidArgumentError('Give KIND=PER_SECOND/BURST, for example exec=5000/10000.');
    if (budget.burst < 1) throw new InvalidArgumentError('At least one record must be allowed at once.');
    budgets[kind] = budget;
  }
  return budgets as Partial<Budgets>;
}
