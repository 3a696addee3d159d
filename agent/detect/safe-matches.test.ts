import fc from 'fast-check';
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

  it('agrees with JavaScript where both speak the same language, and ends for whatever pattern', () => {
    const part = fc.constantFrom('a', 'b', '.', 'a+', 'b*', '(a|b)', '(a+)+', '(a|a)*', '[ab]', 'a?', '(ab){1,3}');
    const pattern = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(pattern, text, (source, path) => {
        const found = matches(`process.executable.path.matches('^${source}$')`, path || '/');
        expect(found).toBe(new RegExp(`^${source}$`).test(path || '/'));
      }),
    );
    // Any text is a pattern or refused as one; neither throws.
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (source) => {
        problemOf(`process.executable.path.matches(${JSON.stringify(source)})`);
      }),
    );
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
