import { expect, it } from 'vitest';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import type { Outcome, Papers } from '../records/papers.ts';
import { changesOf, trustLost } from './paper-changes.ts';

const image = { reference: 'a.io/app:1', repoDigests: [], configDigest: '', targetDigest: '', platform: '' };
const signed = (outcome: Outcome, reason = 'r', name?: string): Papers => {
  const papers = unknownPapers(image, reason, Math.random() * 1e9);
  const signer = name === undefined ? undefined : { kind: 'key' as const, name, keyFingerprint: undefined };
  return { ...papers, signature: { ...papers.signature, outcome, reason, signer } };
};

it('tells what is different, and not wording and times', () => {
  const change = (before: Papers, after: Papers) => changesOf({ image, before, after });
  expect(change(signed('absent', 'one'), signed('absent', 'two'))).toEqual([]);
  expect(change(signed('absent'), signed('verified', 'r', 'team'))).toEqual(['signature: absent → verified (team)']);
  expect(change(signed('verified', 'r', 'a'), signed('verified', 'r', 'b'))).toEqual([
    'signature: verified (a) → verified (b)',
  ]);
  const other = signed('invalid');
  const record = {
    format: 'notation',
    outcome: 'invalid',
    reason: '',
    signer: undefined,
    attachedTo: '',
    source: '',
  } as const;
  expect(change(signed('invalid'), { ...other, signature: { ...other.signature, records: [record] } })).toEqual([
    'signature: another one, invalid',
  ]);
});

it('takes what could not be looked up for no change', () => {
  expect(changesOf({ image, before: signed('absent'), after: signed('unknown') })).toEqual([]);
  expect(changesOf({ image, before: undefined, after: signed('verified') })).toEqual([]);
  expect(changesOf({ image, before: signed('unknown'), after: signed('absent') })).toEqual([
    'signature: unknown → absent',
  ]);
});

it('knows when trust is lost', () => {
  const before = signed('verified', 'r', 'team');
  expect(trustLost({ image, before, after: signed('untrusted') })).toEqual({
    from: 'verified (team)',
    to: 'untrusted',
  });
  for (const outcome of ['absent', 'invalid'] as const)
    expect(trustLost({ image, before, after: signed(outcome) })?.to).toBe(outcome);
  for (const outcome of ['verified', 'unknown'] as const)
    expect(trustLost({ image, before, after: signed(outcome) })).toBeUndefined();
  expect(trustLost({ image, before: signed('absent'), after: signed('invalid') })).toBeUndefined();
});
