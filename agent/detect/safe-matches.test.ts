import { describe, expect, it } from 'vitest';
import { createCelEnvironment } from './cel-environment.ts';
import { compileExpression } from './rule-expression.ts';
import { scopeOfEvent } from './scope.ts';
import { execEvent } from './test-events.ts';

const environment = createCelEnvironment('exec');

function matches(condition: string, path: string): boolean {
  const result = compileExpression('exec', environment, condition);
  if (!result.ok) throw new Error(result.problem.reason);
  return result.expression.evaluate(scopeOfEvent(execEvent({ process: { executable: { path } } })));
}

function problemOf(condition: string): string {
  const result = compileExpression('exec', environment, condition);
  return result.ok ? '' : result.problem.reason;
}

describe('matches()', () => {
  it('finds a pattern anywhere, as CEL says', () => {
    expect(matches(`process.executable.path.matches('/tmp/[a-z]+$')`, '/var/tmp/abc')).toBe(true);
    expect(matches(`process.executable.path.matches('^/tmp/')`, '/var/tmp/abc')).toBe(false);
  });

  it('needs time linear in a hostile text, where a backtracking engine would never end', () => {
    const hostile = `/${'a'.repeat(50_000)}!`;
    expect(matches(`process.executable.path.matches('^/(a+)+$')`, hostile)).toBe(false);
    expect(matches(`process.executable.path.matches('(a|a)*b')`, hostile)).toBe(false);
    expect(matches(`process.argv.exists(a, a.matches('(.*a){20}x'))`, 'x')).toBe(false);
  });

  it.each([
    [`process.executable.path.matches('(a)\\\\1')`, /not valid RE2/],
    [`process.executable.path.matches('(?=a)')`, /not valid RE2/],
    [`process.executable.path.matches('(')`, /not valid RE2/],
    [`process.executable.path.matches('(((a{1000}){1000}){1000})')`, /not valid RE2/],
    [`process.executable.path.matches('${'a'.repeat(1_001)}')`, /longer than 1000 characters/],
    [`process.executable.path.matches(process.cwd)`, /literal/],
    [`process.pid.matches('1')`, /needs a text, not int/],
    [`process.argv.matches('1')`, /needs a text/],
  ])('refuses %s', (condition, reason) => {
    expect(problemOf(condition)).toMatch(reason);
  });
});
