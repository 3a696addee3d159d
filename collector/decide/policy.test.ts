import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../common/errors.ts';
import { loadDefaultPolicy, loadPolicy } from './policy.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallyman-policy-'));
const path = join(folder, 'policy.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string) {
  writeFileSync(path, text);
  return loadPolicy(path);
}

function refusal(text: string): CodedError {
  try {
    load(text);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('a policy file', () => {
  it('takes from the shipped policy what it leaves out, and looks at its own rules first', () => {
    const shipped = loadDefaultPolicy();
    const policy = load(
      [
        'version: 1',
        'name: acme',
        'points:',
        '  signature: { absent: 30 }',
        'rules:',
        '  - { rule: reverse-shell, atLeast: critical, reason: we mean it }',
      ].join('\n'),
    );
    expect(policy.points.signature).toEqual({ ...shipped.points.signature, absent: 30 });
    expect(policy.points.sbom).toEqual(shipped.points.sbom);
    expect(policy.rules.map((rule) => rule.atLeast)).toEqual([
      'critical',
      ...shipped.rules.map((rule) => rule.atLeast),
    ]);
    expect(policy.policyVersion).toMatch(/^acme@[0-9a-f]{12}$/);
  });

  it('has a version that follows its bytes', () => {
    const one = load('version: 1\nname: a').policyVersion;
    expect(load('version: 1\nname: a').policyVersion).toBe(one);
    expect(load('version: 1\nname: a # changed').policyVersion).not.toBe(one);
    expect(loadDefaultPolicy().policyVersion).toMatch(/^default@[0-9a-f]{12}$/);
  });

  it('is refused with every problem at once, each with its line', () => {
    const error = refusal(
      [
        'version: 2',
        'name: Acme Corp',
        'colour: red',
        'severity:',
        '  thresholds: { low: 50, medium: 40 }',
        'points:',
        '  signature:',
        '    absent: lots',
        '    verifed: 1',
        'rules:',
        '  - rule: shell',
        '    action: drop',
        '    reason: x',
        '  - rule: shell',
        '    reason: ""',
      ].join('\n'),
    );
    expect(error.code).toBe('policy-invalid');
    for (const [line, what] of [
      [1, 'version'],
      [2, 'name'],
      [3, 'colour: unknown key'],
      [8, 'points.signature.absent: expected'],
      [9, 'points.signature.verifed: unknown key'],
      [12, 'rules.0.action: expected one of "alert"|"record"|"ignore"'],
      [15, 'rules.1.reason'],
    ] as const)
      expect(error.message).toContain(`${path}:${line}: ${what}`);
  });

  it.each([
    ['severity:\n  thresholds: { low: 60 }', 'low < medium'],
    ['rules:\n  - { rule: a, reason: r }', 'expected severity, atLeast or action'],
    ['rules:\n  - { rule: a, severity: low, atLeast: low, reason: r }', 'exclude each other'],
    ['rules:\n  - { rule: a, severity: low }', 'reason'],
    ['rules: no', 'rules'],
    ['points: { sbom: { absent: 1.5 } }', 'points.sbom.absent'],
    ['points: { sbom: { absent: 1000 } }', 'points.sbom.absent'],
    ['__proto__: { polluted: 1 }', '__proto__: unknown key'],
    ['points:\n  constructor: 1', 'points.constructor: unknown key'],
  ])('is refused: %j', (rest, what) => {
    expect(refusal(`version: 1\nname: a\n${rest}`).message).toContain(what);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each([
    ['', 'expected a map'],
    ['- 1', 'expected a map'],
    ['a: [', ':1:'],
    ['version: 1\nversion: 1', ':2:'],
    [
      'a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]',
      'policy',
    ],
  ])('is refused where it is no policy at all: %j', (text, what) => {
    expect(refusal(text).message).toContain(what);
  });

  it('that is not there or too large is refused by name', () => {
    expect(() => loadPolicy(join(folder, 'none.yaml'))).toThrow(expect.objectContaining({ code: 'policy-unreadable' }));
    writeFileSync(path, '#'.repeat(2 * 1024 * 1024));
    expect(() => loadPolicy(path)).toThrow(expect.objectContaining({ code: 'policy-too-large' }));
  });
});
