import { baselinesOfExample } from './example-baseline.ts';
import { containerOfExample, eventOfExample } from './example-event.ts';
import { factsOfExample } from './example-facts.ts';
import type { EventKind } from './field-catalog.ts';
import { areMet } from './necessary-values.ts';
import type { Rule } from './rule.ts';
import type { RuleExample } from './rule-example.ts';
import { type EventScope, scopeOfContainer, scopeOfEvent } from './scope.ts';

export interface RuleTestResult {
  ruleId: string;
  name: string;
  ok: boolean;
  /** What was expected and what happened; empty when it went as expected. */
  reason: string;
}

/** Runs a rule's own tests: each example event must match, or must not, as it says. Exceptions count as no match. */
export function testRule(rule: Rule): RuleTestResult[] {
  return rule.tests.map((example) => {
    const reason = failureOf(rule, example);
    return { ruleId: rule.id, name: example.name, ok: reason === '', reason };
  });
}

function failureOf(rule: Rule, example: RuleExample): string {
  const kind = example.on ?? rule.source.on[0];
  const program = rule.programs.find((candidate) => candidate.kind === kind);
  if (kind === undefined || program === undefined) return `the rule is not about ${kind} events`;
  const scope = scopeOfExample(kind, example);
  try {
    const isEvaluated = rule.baseline !== 'required' || scope.hasReadyBaseline;
    const holds = isEvaluated && program.when.evaluate(scope);
    if (holds && !(program.when.mayMatch(scope) && areMet(program.when.needs, scope)))
      return 'the prefilter takes out what the condition matches';
    const matched = holds && !program.exceptions.some((exception) => exception.applies(scope));
    if (matched !== example.match) return matched ? 'it matches, and must not' : 'it does not match, and must';
    const summary = program.summary.render(scope);
    if (example.summary !== undefined && example.summary !== summary) return `its summary is: ${summary}`;
    return '';
  } catch (error) {
    return `the condition failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What the rule sees of an example. */
export function scopeOfExample(kind: EventKind, example: RuleExample): EventScope {
  const baselines = baselinesOfExample(example.baseline);
  if (kind === 'posture') return scopeOfContainer(containerOfExample(example.container), baselines);
  const { event, process, container } = example;
  const facts = factsOfExample({ process, container });
  return scopeOfEvent(eventOfExample({ on: kind, event, process, container }), facts, baselines);
}
