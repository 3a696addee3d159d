import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { RuleEngine } from './engine.ts';
import { loadRules } from './rule-loader.ts';
import { RulesInvalidError } from './rule-problem.ts';
import { scopeOfEvent } from './scope.ts';
import { execEvent } from './test-events.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tallyman-overrides-'));
  write('shell.yaml', rule('shell-started'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function rule(id: string): string {
  return `id: ${id}\ntitle: T\ndescription: D\nseverity: medium\non: exec\nwhen: process.isShell\nsummary: S\nremediation: R\n`;
}

function write(name: string, text: string): void {
  writeFileSync(path.join(directory, name), text);
}

function problems(): string {
  try {
    loadRules([directory]);
    return '';
  } catch (error) {
    if (!(error instanceof RulesInvalidError)) throw error;
    return error.message.replaceAll(`${directory}/`, '');
  }
}

const shell = scopeOfEvent(execEvent({ process: { executable: { path: '/bin/sh' }, cwd: '/srv' } }));

function matches(): boolean {
  const engine = new RuleEngine(loadRules([directory]), { logger: silentLogger, maxRuleErrors: 10 });
  return engine.match(shell).length > 0;
}

describe('overrides', () => {
  it('changes the severity of a rule, and says who did and why', () => {
    const [before] = loadRules([directory]);
    write('ours.yaml', 'overrides:\n  - { rule: shell-started, reason: Debug images., severity: low }\n');
    const [after] = loadRules([directory]);
    expect(after?.severity).toBe(Severity.LOW);
    expect(after?.overrides).toEqual([{ file: path.join(directory, 'ours.yaml'), reason: 'Debug images.' }]);
    expect(after?.version).not.toBe(before?.version);
  });

  it('switches a rule off', () => {
    expect(matches()).toBe(true);
    write('ours.yaml', 'overrides:\n  - { rule: shell-started, reason: Not for us., enabled: false }\n');
    const rules = loadRules([directory]);
    expect(new RuleEngine(rules, { logger: silentLogger, maxRuleErrors: 1 }).stateOf('shell-started')).toBe('disabled');
    expect(matches()).toBe(false);
  });

  it('adds exceptions to those a rule has, from several files', () => {
    const exception = (cwd: string): string =>
      `overrides:\n  - rule: shell-started\n    reason: R\n    exceptions:\n      - { name: ours, fields: [process.cwd], comparators: ["=="], values: [[${cwd}]] }\n`;
    write('a.yaml', exception('/opt'));
    expect(matches()).toBe(true);
    write('b.yaml', exception('/srv'));
    expect(matches()).toBe(false);
    expect(loadRules([directory])[0]?.source.exceptions).toHaveLength(2);
  });

  it('names the place in the file of the override when its exception is wrong', () => {
    write(
      'ours.yaml',
      'overrides:\n  - rule: shell-started\n    reason: R\n    exceptions:\n      - name: ours\n        fields: [process.cdw]\n        comparators: ["=="]\n        values: [[a]]\n',
    );
    expect(problems()).toMatch(/ours\.yaml:6:18: unknown field "cdw"/);
  });

  it('refuses overrides of rules that do not exist', () => {
    write('ours.yaml', 'overrides:\n  - { rule: shell-startd, reason: R, enabled: false }\n');
    expect(problems()).toMatch(/ours\.yaml:2:13: there is no rule "shell-startd" \(did you mean "shell-started"\?\)/);
  });

  it('refuses overrides that contradict each other', () => {
    write('a.yaml', 'overrides:\n  - { rule: shell-started, reason: R, severity: low }\n');
    write('b.yaml', 'overrides:\n  - { rule: shell-started, reason: R, severity: high }\n');
    expect(problems()).toMatch(/b\.yaml:2:49: .*a\.yaml sets severity of "shell-started" to low/);
  });

  it('refuses unknown fields and an override without a reason', () => {
    write('a.yaml', 'overrides:\n  - { rule: shell-started, enable: false }\n');
    expect(problems()).toMatch(/unknown field "enable" \(did you mean "enabled"\?\)/);
    expect(problems()).toMatch(/overrides\.0\.reason/);
  });

  it('does not call a rule unknown that has a problem of its own', () => {
    write('broken.yaml', rule('broken-rule').replace('process.isShell', 'process.isShel'));
    write('ours.yaml', 'overrides:\n  - { rule: broken-rule, reason: R, enabled: false }\n');
    expect(problems()).not.toMatch(/there is no rule/);
    expect(problems()).toMatch(/unknown field "isShel"/);
  });
});
