import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../collector/records/attestation/evidence.ts';
import { parseStatement } from '../../collector/records/attestation/statement.ts';
import { parseImageConfig } from '../../collector/records/base/image-config.ts';
import type { ImageExpectation } from '../../collector/records/expectation/schema.ts';
import { chooseProvenance } from '../../collector/records/provenance/paper.ts';
import type { Verdict } from '../../collector/records/signature/judge.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

const origin = { attachedTo: `sha256:${'a'.repeat(64)}`, source: 'referrer' };
const strict: ImageExpectation = {
  match: '*',
  builders: ['https://builder.example/ours'],
  sources: ['https://git.example/ours'],
  refs: ['refs/tags/ours'],
  workflows: ['.github/workflows/ours.yml'],
  runnerEnvironments: ['ours'],
  buildTypes: ['https://type.example/ours'],
};
const lenient: ImageExpectation = {
  match: '*',
  builders: ['*'],
  sources: ['*'],
  refs: ['*'],
  workflows: ['*'],
  runnerEnvironments: ['*'],
  buildTypes: ['*'],
};
const signed: Verdict = { outcome: 'verified', reason: 'signed', signer: undefined };
const strange: Verdict = { outcome: 'untrusted', reason: 'a stranger signed', signer: undefined };
const files = [
  'github-v1.json',
  'github-v0.2.json',
  'slsa-github-generator-v0.2.json',
  'buildkit-git-v1.json',
  'buildkit-max-v0.2.json',
  'buildkit-max-v1.json',
];
const read = (file: string): Buffer =>
  readFileSync(new URL(`../fixtures/provenance/statements/${file}`, import.meta.url));

/** Undefined: the bytes are no statement, which openEnvelope turns into a rejection. */
function evidenceOf(bytes: Uint8Array, verdict: Verdict): Evidence | undefined {
  try {
    return { kind: 'statement', statement: parseStatement(bytes), verdict, isInIndex: false, origin };
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return undefined;
  }
}

function check(bytes: Uint8Array): void {
  const stranger = evidenceOf(bytes, strange);
  const ours = evidenceOf(bytes, signed);
  if (stranger === undefined || ours === undefined) return;
  for (const expectation of [strict, lenient]) {
    const paper = chooseProvenance([stranger], [], [], expectation);
    expect(paper.outcome).not.toBe('verified');
    expect(paper.clauses?.map(({ outcome }) => outcome) ?? []).not.toContain('verified');
  }
  const paper = chooseProvenance([ours], [], [], strict);
  expect(paper.outcome).not.toBe('verified');
  const verified = paper.clauses?.filter(({ outcome, name }) => outcome === 'verified' && name !== 'parameters') ?? [];
  expect(verified).toEqual([]);
  for (const record of paper.records ?? []) {
    expect(record.reason).not.toBe('');
    expect(record.claim?.dependencies.length ?? 0).toBeLessThanOrEqual(100);
  }
}

describe.each(files)('%s, changed', (file) => {
  const bytes = read(file);

  it('as bytes is never verified by an expectation it does not meet', () => {
    fc.assert(fc.property(mutatedBytes(bytes), check), { numRuns: mutationRuns });
  });

  it('as JSON is never verified by an expectation it does not meet', () => {
    fc.assert(fc.property(mutatedJson(JSON.parse(bytes.toString('utf8'))), check), { numRuns: mutationRuns });
  });
});

it('reads a config of an image that was changed, or names what is wrong', () => {
  const config = {
    created: '2026-11-01T10:00:00Z',
    config: { Labels: { 'org.opencontainers.image.base.name': 'debian:12' } },
    rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`] },
  };
  fc.assert(
    fc.property(mutatedJson(config), (bytes) => {
      try {
        const { diffIds, chainIds } = parseImageConfig(bytes);
        expect(chainIds).toHaveLength(diffIds.length);
        expect(diffIds.every((digest) => /^sha256:[a-f0-9]{64}$/.test(digest))).toBe(true);
      } catch (error) {
        expect((error as Error).message).toMatch(/malformed at|JSON/);
      }
    }),
    { numRuns: mutationRuns },
  );
});
