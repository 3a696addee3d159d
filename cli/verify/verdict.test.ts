import { describe, expect, it } from 'vitest';
import { unknownPapers } from '../../collector/correlate/unknown-papers.ts';
import type { Clause, Papers } from '../../collector/records/papers.ts';
import { exitCodeOfVerdict, verdictOf } from './verdict.ts';

const query = {
  reference: 'r.example/app:1',
  repoDigests: [],
  configDigest: '',
  targetDigest: '',
  platform: 'linux/amd64',
};
const unknown = unknownPapers(query, 'not yet', 0);
const signed: Papers = { ...unknown, signature: { ...unknown.signature, outcome: 'verified' } };
const codeOf = (papers: Papers, expectations: Parameters<typeof verdictOf>[2] = []) =>
  exitCodeOfVerdict(verdictOf(papers, query, expectations, undefined));

describe('the verdict', () => {
  it('requires a signature', () => {
    expect(codeOf(signed)).toBe(0);
    expect(codeOf(unknown)).toBe(6);
    for (const outcome of ['invalid', 'untrusted', 'absent'] as const)
      expect(codeOf({ ...signed, signature: { ...signed.signature, outcome } })).toBe(5);
  });

  it('requires what the policy expects of this image, and of no other', () => {
    const expectation = { match: 'r.example/*', sources: ['github.com/acme/*'] };
    expect(codeOf(signed, [expectation])).toBe(6);
    expect(codeOf(signed, [{ ...expectation, match: 'other.example/*' }])).toBe(0);
    const untrusted = { ...signed, provenance: { ...signed.provenance, outcome: 'untrusted' as const } };
    expect(codeOf(untrusted, [expectation])).toBe(5);
    const registry = {
      name: 'registry',
      outcome: 'untrusted',
      reason: '',
      found: undefined,
      evidence: undefined,
    } as const;
    const clause = (expected: string[]): Clause => ({ ...registry, expected });
    expect(codeOf({ ...signed, place: [clause([])] })).toBe(0);
    expect(codeOf({ ...signed, place: [clause(['a'])] })).toBe(5);
  });

  it('requires what is named instead of the signature', () => {
    expect(verdictOf(signed, query, [], ['sbom']).required.map(({ name }) => name)).toEqual(['sbom']);
  });
});
