import type { EventKind } from '../../agent/detect/field-catalog.ts';
import type { Rule, RuleProgram } from '../../agent/detect/rule.ts';
import type { EventScope } from '../../agent/detect/scope.ts';

/** Events by what they are; each call of the function makes a new scope, in which nothing has been read. */
export type Samples = ReadonlyMap<EventKind, Readonly<Record<string, () => EventScope>>>;

/** What one rule takes for the events of a kind, in nanoseconds beyond making the scope. */
export interface RuleCost {
  rule: string;
  kind: EventKind;
  /** Mean over the samples of its kind. */
  meanNs: number;
  dearestNs: number;
  /** The sample that is dearest. */
  dearest: string;
}

const evaluations = 4_000;
const rounds = 3;

/** Each rule alone, as if no index kept events from it: the dearest first. */
export function measureRuleCosts(rules: readonly Rule[], samples: Samples): RuleCost[] {
  const bare = new Map([...samples].map(([kind, byName]) => [kind, Object.values(byName).map((make) => time(make))]));
  const costs = rules
    .flatMap((rule) => rule.programs)
    .map((program) => costOf(program, samples.get(program.kind) ?? {}, bare.get(program.kind) ?? []));
  return costs.sort((a, b) => b.dearestNs - a.dearestNs);
}

function costOf(
  { rule, kind, when }: RuleProgram,
  byName: Readonly<Record<string, () => EventScope>>,
  bare: readonly number[],
): RuleCost {
  const names = Object.keys(byName);
  const taken = Object.values(byName).map((make, index) => {
    const withRule = time(() => {
      const scope = make();
      return when.mayMatch(scope) && when.evaluate(scope);
    });
    return Math.max(0, Math.round(withRule - (bare[index] ?? 0)));
  });
  const dearestNs = Math.max(...taken);
  const meanNs = Math.round(taken.reduce((sum, ns) => sum + ns, 0) / taken.length);
  return { rule: rule.id, kind, meanNs, dearestNs, dearest: names[taken.indexOf(dearestNs)] ?? '' };
}

/** Nanoseconds a call takes, in the best of the rounds. */
function time(call: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let count = 0; count < evaluations; count++) call();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / evaluations);
  }
  return best;
}
