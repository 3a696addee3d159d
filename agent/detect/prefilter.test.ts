import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCelEnvironment } from './cel-environment.ts';
import type { EventKind } from './field-catalog.ts';
import { areMet } from './necessary-values.ts';
import type { ContainerExample } from './rule-example.ts';
import { compileExpression, type RuleExpression } from './rule-expression.ts';
import { loadRules } from './rule-loader.ts';
import type { EventScope } from './scope.ts';
import { scopeOfEvent } from './scope.ts';
import { capabilityEvent, connectEvent, execEvent } from './test-events.ts';

function compile(kind: EventKind, condition: string): RuleExpression {
  const result = compileExpression(kind, createCelEnvironment(kind), condition);
  if (!result.ok) throw new Error(result.problem.reason);
  return result.expression;
}

const shell = scopeOfEvent(execEvent({ process: { executable: { path: '/bin/sh', layer: 'image' }, hasTty: true } }));
const unknown = scopeOfEvent(capabilityEvent({ process: null }));

describe('the prefilter', () => {
  it.each([
    [`process.executable.layer == 'writable'`, shell],
    [`'writable' == process.executable.layer`, shell],
    [`process.executable.path in ['/bin/ls', '/bin/cat']`, shell],
    [`process.hasTty && process.credentials.uid == 1000`, shell],
    [`process.argv.exists(a, a == 'x') && !process.isShell`, shell],
    [`process.executable.path.startsWith('/tmp/') || process.executable.path.endsWith('.sh')`, shell],
    [`!(process.isShell || process.hasTty)`, shell],
    [`process.program == 'sh'`, unknown],
    [`process.program != 'sh'`, unknown],
    [`!process.isShell`, unknown],
    [`event.granted && process.isShell`, unknown],
  ])('takes out %s without asking CEL', (condition, scope: EventScope) => {
    const expression = compile(scope.kind, condition);
    expect(expression.mayMatch(scope)).toBe(false);
    expect(expression.evaluate(scope)).toBe(false);
  });

  it.each([
    [`process.isShell || process.argv[7] == 'x'`, shell, true],
    [`process.argv[7] == 'x'`, shell, false],
    [`event.granted || process.isShell`, unknown, true],
    [`process.isShell || event.granted`, unknown, true],
    [`has(process.program) || event.granted`, unknown, true],
    [`!process.argv.exists(a, a == 'x')`, shell, true],
    [`process.pid > 1`, shell, true],
  ])('lets %s pass', (condition, scope: EventScope, matches) => {
    const expression = compile(scope.kind, condition);
    expect(expression.mayMatch(scope)).toBe(true);
    expect(expression.evaluate(scope)).toBe(matches);
  });

  it('never takes out what CEL would match', () => {
    const atoms = [
      `process.isShell`,
      `process.hasTty`,
      `process.program == 'sh'`,
      `process.program != 'nc'`,
      `process.script == ''`,
      `process.executable.layer in ['writable', 'tmpfs']`,
      `process.credentials.uid == 0`,
      `process.executable.path.startsWith('/tmp')`,
      `process.argv.exists(a, a == '-e')`,
      `process.argv[1] == '-e'`,
      `container.labels['team'] == 'shop'`,
      `container.posture.privileged`,
      `process.parent.isShell`,
    ];
    const condition = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(...atoms),
        fc.tuple(tie('tree'), fc.constantFrom('&&', '||'), tie('tree')).map(([a, op, b]) => `(${a} ${op} ${b})`),
        tie('tree').map((inner) => `!(${inner})`),
      ),
    })).tree;
    const example = fc.record({
      executable: fc.record({
        path: fc.constantFrom('/bin/sh', '/tmp/nc', '/bin/busybox', ''),
        layer: fc.constantFrom('image', 'writable', 'unknown'),
      }),
      argv: fc.array(fc.constantFrom('sh', 'nc', '-e'), { maxLength: 3 }),
      hasTty: fc.boolean(),
      credentials: fc.record({ uid: fc.constantFrom(0, 1000) }),
      parent: fc.option(fc.constant({ executable: { path: '/bin/bash' } }), { nil: undefined }),
    });
    const container = fc.constantFrom<ContainerExample[]>(
      {},
      { labels: { team: 'shop' } },
      { posture: { unknownFields: ['privileged'] } },
    );
    const environment = createCelEnvironment('exec');
    fc.assert(
      fc.property(condition, example, container, (text, process, where) => {
        const result = compileExpression('exec', environment, text);
        if (!result.ok) throw new Error(`${text}: ${result.problem.reason}`);
        const scope = scopeOfEvent(execEvent({ process: process as never, container: where }));
        const { needs } = result.expression;
        return !result.expression.evaluate(scope) || (result.expression.mayMatch(scope) && areMet(needs, scope));
      }),
      { numRuns: 3_000 },
    );
  });

  it('decides ordinary events of the library without CEL', () => {
    const rules = loadRules([path.join(import.meta.dirname, '../rules')]);
    const ordinary = [
      execEvent({ process: { executable: { path: '/usr/bin/ls' } } }),
      capabilityEvent({ event: { capabilityName: 'CAP_CHOWN', syscallName: 'chown' } }),
      connectEvent({ event: { remoteAddress: '10.0.0.7' } }),
    ];
    for (const input of ordinary) {
      const scope = scopeOfEvent(input);
      const passing = rules
        .flatMap((rule) => rule.programs)
        .filter((program) => program.kind === scope.kind && program.when.mayMatch(scope));
      expect(passing.map((program) => program.rule.id)).toEqual([]);
    }
  });
});
