import { describe, expect, it } from 'vitest';
import { createCelEnvironment } from './cel-environment.ts';
import type { EventKind } from './field-catalog.ts';
import { compileExpression } from './rule-expression.ts';

function needsOf(kind: EventKind, condition: string): string {
  const result = compileExpression(kind, createCelEnvironment(kind), condition);
  if (!result.ok) throw new Error(result.problem.reason);
  const { needs } = result.expression;
  return needs?.map(({ path, values }) => `${path}: ${[...values].join(' ')}`).join('; ') ?? 'nothing';
}

describe('what a condition needs', () => {
  it.each([
    [`process.program == 'nc'`, 'process.program: nc'],
    [`'nc' == process.program`, 'process.program: nc'],
    [`process.program in ['nc', 'ncat']`, 'process.program: nc ncat'],
    [`process.hasTty`, 'process.hasTty: true'],
    [`process.hasTty && process.program in ['nc', 'ncat']`, 'process.program: nc ncat'],
    [`process.program in ['nc', 'ncat'] && process.executable.layer == 'image'`, 'process.program: nc ncat'],
    [`process.packageManager == '' && process.program in ['nc', 'ncat']`, 'process.program: nc ncat'],
    [`process.program == 'nc' || process.program in ['ncat']`, 'process.program: nc ncat'],
    [`(process.program == 'nc' && process.hasTty) || process.program == 'socat'`, 'process.program: nc socat'],
    [`process.program == 'nc' || process.scriptName in ['nc.py']`, 'process.program: nc; process.scriptName: nc.py'],
    [`process.program == 'nc' || process.hasTty`, 'process.program: nc; process.hasTty: true'],
    [`process.credentials.uid == 0`, 'process.credentials.uid: 0'],
  ])('%s: %s', (condition, needs) => {
    expect(needsOf('exec', condition)).toBe(needs);
  });

  it.each([
    `process.program == 'nc' || process.executable.path.startsWith('/tmp/')`,
    `process.program != 'nc'`,
    `!(process.program == 'nc')`,
    `process.executable.path.startsWith('/tmp/')`,
    `process.argv[0] == 'nc'`,
    `container.labels['team'] == 'shop'`,
    `process.parent.program == process.program`,
  ])('%s: nothing', (condition) => {
    expect(needsOf('exec', condition)).toBe('nothing');
  });
});
