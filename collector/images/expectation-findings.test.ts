import { describe, expect, it } from 'vitest';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import type { BasePaper, Clause, ImageQuery, Papers } from '../records/papers.ts';
import { reportExpectations } from './expectation-findings.ts';
import type { ImageReport } from './image-findings.ts';
import { imageRules } from './image-rules.ts';

const image: ImageQuery = {
  reference: 'r.example/app:1',
  repoDigests: [],
  configDigest: '',
  targetDigest: '',
  platform: '',
};
const unknown = unknownPapers(image, 'not yet', 0);

async function told(papers: Papers): Promise<{ reports: ImageReport[]; resolved: string[] }> {
  const reports: ImageReport[] = [];
  const resolved: string[] = [];
  const findings = {
    report: async (report: ImageReport) => {
      reports.push(report);
      return 'new' as const;
    },
    resolve: async (ruleId: string) => {
      resolved.push(ruleId);
      return true;
    },
  };
  await reportExpectations(findings, image, papers);
  return { reports, resolved };
}

const clause = (name: Clause['name'], outcome: Clause['outcome'], expected: string[]): Clause => ({
  ...{ name, outcome, expected },
  ...{ reason: `expected ${expected.join()}, found x`, found: 'x', evidence: undefined },
});
const base = (outcome: BasePaper['outcome']): BasePaper => ({
  ...{ outcome, reason: 'expected a, found b', method: 'layers', names: ['b'], digest: undefined },
  ...{ layerCount: 1, createdAt: undefined, newestCreatedAt: undefined },
});

describe('findings of images that are not as expected', () => {
  it('are each told by a rule that is described', async () => {
    const place = [clause('registry', 'untrusted', ['a']), clause('pinned', 'untrusted', ['a digest'])];
    const { reports } = await told({ ...unknown, place, base: base('untrusted') });
    expect(reports.map(({ ruleId }) => ruleId)).toEqual([
      'image-registry-not-allowed',
      'image-not-pinned',
      'image-base-not-approved',
    ]);
    expect(reports.every(({ ruleId }) => imageRules().has(ruleId))).toBe(true);
  });

  it('end when it is as expected, and stay when it cannot be told', async () => {
    const place = [clause('registry', 'verified', ['a']), clause('pinned', 'untrusted', [])];
    const fine = await told({ ...unknown, place, base: base('verified') });
    expect(fine).toEqual({
      reports: [],
      resolved: ['image-registry-not-allowed', 'image-not-pinned', 'image-base-not-approved'],
    });
    expect(await told({ ...unknown, base: base('unknown') })).toEqual({ reports: [], resolved: [] });
  });
});
