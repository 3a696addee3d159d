import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Posture } from '../../proto/generated/tallyman/v1/container.ts';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import {
  sampleContainerId,
  sampleCorrelated,
  sampleFinding,
  sampleOwned,
  samplePapers,
} from '../publish/testing/sample-alert.ts';
import type { Outcome, Ownership } from '../records/papers.ts';
import type { CorrelatedFinding, Decision, SeverityWord } from './alert.ts';
import { decide, repositoryOf, severityOfScore } from './decide.ts';
import { loadDefaultPolicy, type Policy } from './policy.ts';
import { severityOfFinding, severityRank, severityWords } from './severity.ts';

const policy = loadDefaultPolicy();
const outcomes: Outcome[] = ['verified', 'invalid', 'untrusted', 'absent', 'unknown'];
const notInImage: Ownership = { state: 'not-in-image', path: '/tmp/.x', reason: 'written at run time' };
const unowned: Ownership = { state: 'unowned', path: '/opt/tool', reason: 'nobody claims it' };
const noData: Ownership = { state: 'no-ownership-data', path: '/bin/sh', reason: 'no SBOM' };
const ownerships: Record<string, Ownership> = { owned: sampleOwned, notInImage, unowned, noData };

interface Case {
  rule?: string;
  severity: SeverityWord;
  signature: Outcome;
  sbom?: Outcome;
  ownership?: keyof typeof ownerships;
  posture?: Partial<Posture>;
  postureFinding?: boolean;
}

function correlated(given: Case): CorrelatedFinding {
  const finding = sampleFinding({
    ruleId: given.rule ?? 'some-rule',
    severity: (severityRank(given.severity) + 1) as never,
    container: {
      id: sampleContainerId,
      namespace: 'payments',
      posture: given.posture ?? {},
      image: { reference: 'acme/app:1' },
    },
    ...(given.postureFinding
      ? {
          processes: [],
          event: { kind: 'posture', evidence: { $case: 'posture', value: { fields: ['privileged'] } } } as never,
        }
      : {}),
  });
  const ownership = given.postureFinding ? undefined : ownerships[given.ownership ?? 'noData'];
  return { ...sampleCorrelated(finding, samplePapers(given.signature, given.sbom)), ownership };
}

const reasonsOf = (decision: Decision): string => decision.reasons.map((reason) => reason.text).join('\n');

describe('decide under the shipped policy', () => {
  const table: [string, Case, SeverityWord][] = [
    [
      'a shell from a declared package of a signed image',
      { severity: 'medium', signature: 'verified', ownership: 'owned' },
      'low',
    ],
    ['the same shell in an unsigned image', { severity: 'medium', signature: 'absent' }, 'medium'],
    ['the same in an image with a broken signature', { severity: 'medium', signature: 'invalid' }, 'high'],
    ['nobody could look', { severity: 'medium', signature: 'unknown' }, 'medium'],
    ['written and executed, unsigned', { severity: 'high', signature: 'absent', ownership: 'notInImage' }, 'critical'],
    [
      'written and executed, fully verified',
      { severity: 'high', signature: 'verified', ownership: 'notInImage' },
      'critical',
    ],
    [
      'undeclared program of an unsigned image',
      { severity: 'medium', signature: 'absent', ownership: 'unowned' },
      'high',
    ],
    ['privileged container, signed', { severity: 'high', signature: 'verified', postureFinding: true }, 'medium'],
    ['privileged container, unsigned', { severity: 'high', signature: 'absent', postureFinding: true }, 'high'],
    ['critical stays near the top', { severity: 'critical', signature: 'verified', ownership: 'owned' }, 'high'],
  ];
  it.each(table)('%s', (_, given, severity) => {
    expect(decide(correlated(given), policy)).toMatchObject({ severity, action: 'alert' });
  });

  it('calls a written program in a fully verified image an intrusion', () => {
    const decision = decide(correlated({ severity: 'high', signature: 'verified', ownership: 'notInImage' }), policy);
    expect(reasonsOf(decision)).toContain('this is an intrusion, not a bad build');
    expect(decision.reasons.every((reason) => reason.points >= 0 || reason.text.startsWith('scores end'))).toBe(true);
    const partly = decide(
      correlated({ severity: 'high', signature: 'verified', sbom: 'absent', ownership: 'notInImage' }),
      policy,
    );
    expect(reasonsOf(partly)).not.toContain('intrusion');
  });

  it('gives no credit for a package an unverified SBOM names', () => {
    const given = { severity: 'medium', signature: 'verified', ownership: 'owned' } as const;
    const verified = decide(correlated(given), policy);
    const unverified = decide(correlated({ ...given, sbom: 'untrusted' }), policy);
    expect(unverified.score).toBeGreaterThan(verified.score);
    expect(reasonsOf(unverified)).toContain('says an SBOM that is not verified');
  });

  it('counts a privileged container once for its own posture, and on top of everything else', () => {
    const privileged = { privileged: true };
    const points = (postureFinding: boolean): number => {
      const given = { severity: 'medium', signature: 'absent', postureFinding } as const;
      return (
        decide(correlated({ ...given, posture: privileged }), policy).score - decide(correlated(given), policy).score
      );
    };
    expect([points(true), points(false)]).toEqual([0, 10]);
  });

  it('keeps reverse shells and programs without a file high, whatever the rule and the papers say', () => {
    for (const rule of ['reverse-shell', 'exec-fileless'])
      for (const severity of severityWords)
        for (const signature of outcomes)
          for (const ownership of Object.keys(ownerships)) {
            const decision = decide(correlated({ rule, severity, signature, ownership }), policy);
            expect(severityRank(decision.severity)).toBeGreaterThanOrEqual(severityRank('high'));
          }
  });

  it('weighs doubt', () => {
    const sure = correlated({ severity: 'medium', signature: 'absent' });
    const doubtful = {
      ...sure,
      finding: { ...sure.finding, attribution: 2 as const, missing: ['image'], dataComplete: false },
    };
    expect(decide(doubtful, policy).score - decide(sure, policy).score).toBe(10);
    expect(reasonsOf(decide(doubtful, policy))).toContain('image not known');
  });
});

const anyCase = fc.record({
  rule: fc.constantFrom('some-rule', 'reverse-shell'),
  severity: fc.constantFrom(...severityWords),
  signature: fc.constantFrom(...outcomes),
  sbom: fc.constantFrom(...outcomes),
  ownership: fc.constantFrom(...Object.keys(ownerships)),
  posture: fc.record({ privileged: fc.boolean(), hostPid: fc.boolean() }),
  postureFinding: fc.boolean(),
});

describe('every decision', () => {
  it('adds up, lies in its band, repeats, and does not fall more than one step', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const finding = correlated(given);
        const decision = decide(finding, policy);
        expect(decision.reasons.reduce((sum, reason) => sum + reason.points, 0)).toBe(decision.score);
        expect(decision.score).toBeGreaterThanOrEqual(0);
        expect(decision.score).toBeLessThanOrEqual(100);
        expect(severityOfScore(decision.score, policy)).toBe(decision.severity);
        const own = severityOfFinding(finding.finding.severity);
        expect(severityRank(decision.severity)).toBeGreaterThanOrEqual(severityRank(own) - 1);
        expect(decide(structuredClone(finding), loadDefaultPolicy())).toEqual(decision);
      }),
    );
  });

  it('of a posture finding is never harsher with a verified signature than without one', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const rank = (signature: Outcome): number =>
          decide(correlated({ ...given, postureFinding: true, signature }), policy).score;
        expect(rank('verified')).toBeLessThanOrEqual(rank('absent'));
      }),
    );
  });

  it('exists for an empty finding', () => {
    const empty = { ...sampleCorrelated(Finding.fromPartial({}), samplePapers('unknown')), ownership: undefined };
    expect(decide(empty, policy)).toMatchObject({ severity: 'medium', action: 'alert' });
  });
});

describe('rules of a policy', () => {
  const withRules = (...rules: Policy['rules']): Policy => ({ ...policy, rules: [...rules, ...policy.rules] });
  const medium: Case = { rule: 'shell', severity: 'medium', signature: 'absent' };

  it('fix, raise, record and ignore; the first that matches counts', () => {
    const run = (...rules: Policy['rules']): Decision => decide(correlated(medium), withRules(...rules));
    expect(run({ rule: 'shell', severity: 'critical', reason: 'r' })).toMatchObject({
      severity: 'critical',
      score: 80,
    });
    expect(run({ rule: 'shell', severity: 'info', reason: 'r' })).toMatchObject({ severity: 'info', score: 14 });
    expect(run({ rule: 'sh*', atLeast: 'high', reason: 'r' }).severity).toBe('high');
    expect(run({ rule: 'shell', atLeast: 'info', reason: 'r' }).severity).toBe('medium');
    expect(run({ rule: '*', action: 'record', reason: 'known noise' })).toMatchObject({
      action: 'record',
      severity: 'medium',
    });
    expect(reasonsOf(run({ rule: '*', action: 'ignore', reason: 'known noise' }))).toContain('ignored: known noise');
    expect(
      run(
        { rule: 'she', severity: 'critical', reason: 'r' },
        { rule: 'shell', action: 'ignore', reason: 'r' },
        { rule: '*', action: 'record', reason: 'r' },
      ),
    ).toMatchObject({ action: 'ignore', severity: 'medium' });
  });

  it.each([
    [{ namespace: 'payments' }, true],
    [{ namespace: 'pay*' }, true],
    [{ namespace: 'pay' }, false],
    [{ image: 'acme/app' }, true],
    [{ image: 'acme/*' }, true],
    [{ image: 'cme/app' }, false],
    [{ image: 'acme/app:1' }, false],
    [{ namespace: 'payments', image: 'other/*' }, false],
  ])('match %j: %s', (match, applies) => {
    const decision = decide(correlated(medium), withRules({ rule: 'shell', match, action: 'ignore', reason: 'r' }));
    expect(decision.action).toBe(applies ? 'ignore' : 'alert');
  });

  it('read the repository of a reference', () => {
    expect(repositoryOf('registry:5000/a/b:1@sha256:00')).toBe('registry:5000/a/b');
    expect(repositoryOf('registry:5000/a/b')).toBe('registry:5000/a/b');
    expect(repositoryOf('bb')).toBe('bb');
  });
});
