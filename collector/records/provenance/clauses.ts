import { matchesGlob } from '../../../common/glob.ts';
import type { ImageExpectation } from '../expectation/schema.ts';
import type { Clause, ClauseName, FulcioClaims, ProvenanceClaim } from '../papers.ts';
import type { Verdict } from '../signature/judge.ts';
import { sourceLocation, workflowPath } from './source-uri.ts';

interface Found {
  value: string;
  from: string;
  /** Said by BuildKit's client only. */
  isClientClaim?: boolean;
  /** What has to be known of it, for a person. */
  note?: string | undefined;
}

/**
 * Judges each expectation on a build by itself. A claim of the signer's certificate is preferred to a field of the
 * predicate: the certificate authority checked it, the field was written by whoever signed. Nothing is verified that
 * a verified signature does not cover.
 */
export function provenanceClauses(
  claim: ProvenanceClaim,
  verdict: Verdict,
  expectation: ImageExpectation | undefined,
): Clause[] {
  const claims: Partial<FulcioClaims> = verdict.outcome === 'verified' ? (verdict.signer?.certificate ?? {}) : {};
  const judge = (name: ClauseName, expected: readonly string[] | undefined, found: Found | undefined): Clause =>
    judgeClause(name, expected ?? [], found, verdict);
  const { builders, buildTypes, sources, refs, workflows, runnerEnvironments } = expectation ?? {};
  const clauses = [
    judge('builder', builders, builderOf(claim, claims)),
    judge('source', sources, sourceOf(claim, claims)),
    judge('ref', refs, refOf(claim, claims)),
    judge('workflow', workflows, workflowOf(claim, claims)),
    judge('runner', runnerEnvironments, runnerOf(claim, claims)),
    judge('build type', buildTypes, said(claim.buildType, 'predicate buildType')),
  ];
  const isExpecting = clauses.some(({ expected }) => expected.length > 0);
  return [...clauses, parametersClause(claim, verdict, isExpecting)];
}

function judgeClause(
  name: ClauseName,
  expected: readonly string[],
  found: Found | undefined,
  verdict: Verdict,
): Clause {
  const base = { name, expected, found: found?.value, evidence: found?.from };
  const value = found === undefined ? undefined : `${found.value}, from ${found.from}`;
  if (expected.length === 0)
    return {
      ...base,
      outcome: 'unknown',
      reason: value === undefined ? 'not said (no expectation)' : `${value} (no expectation)`,
    };
  const wanted = `expected ${expected.join(' or ')}`;
  if (found === undefined) return { ...base, outcome: 'absent', reason: `${wanted}, the provenance does not say` };
  if (!expected.some((pattern) => fits(name, pattern, found.value)))
    return {
      ...base,
      outcome: 'untrusted',
      reason: `${wanted}, found ${value}${found.note ? ` (${found.note})` : ''}`,
    };
  if (verdict.outcome !== 'verified')
    return { ...base, outcome: verdict.outcome, reason: `${value}, but nothing vouches for it: ${verdict.reason}` };
  if (found.isClientClaim === true)
    return { ...base, outcome: 'untrusted', reason: `${value}: said by BuildKit’s client, checked by nobody` };
  return { ...base, outcome: 'verified', reason: value ?? '' };
}

/** Repositories may be expected with or without "https://"; all else to the letter. */
function fits(name: ClauseName, pattern: string, value: string): boolean {
  if (name !== 'source') return matchesGlob(pattern, value);
  const location = sourceLocation(value)?.repository;
  if (location === undefined) return false;
  return (
    matchesGlob(pattern.replace(/\.git$/, ''), location) || matchesGlob(pattern, location.replace(/^https:\/\//, ''))
  );
}

function said(value: string | undefined, from: string): Found | undefined {
  return value === undefined || value === '' ? undefined : { value, from };
}

function builderOf(claim: ProvenanceClaim, claims: Partial<FulcioClaims>): Found | undefined {
  const inPredicate = said(claim.builderId, 'predicate builder.id');
  const certified = said(claims.buildSignerUri, 'certificate OID .9');
  return certified ?? (inPredicate === undefined ? undefined : { ...inPredicate, note: claim.builderNote });
}

function sourceOf(claim: ProvenanceClaim, claims: Partial<FulcioClaims>): Found | undefined {
  const certified = said(claims.sourceRepositoryUri, 'certificate OID .12');
  if (certified !== undefined) return certified;
  const value = sourceLocation(claim.sourceUri)?.repository ?? claim.sourceUri;
  const found = said(value, claim.sourceField ?? 'predicate');
  return found === undefined ? undefined : { ...found, isClientClaim: claim.isClientSource };
}

function refOf(claim: ProvenanceClaim, claims: Partial<FulcioClaims>): Found | undefined {
  const found = said(claim.ref, 'predicate');
  const inPredicate = found === undefined ? undefined : { ...found, isClientClaim: claim.isClientSource };
  return said(claims.sourceRepositoryRef, 'certificate OID .14') ?? inPredicate;
}

function workflowOf(claim: ProvenanceClaim, claims: Partial<FulcioClaims>): Found | undefined {
  return said(workflowPath(claims.buildConfigUri), 'certificate OID .18') ?? said(claim.workflow, 'predicate');
}

function runnerOf(claim: ProvenanceClaim, claims: Partial<FulcioClaims>): Found | undefined {
  return said(claims.runnerEnvironment, 'certificate OID .11') ?? said(claim.runnerEnvironment, 'predicate');
}

/** SLSA: external parameters that are not recognised should fail, since they can change what was built. */
function parametersClause(claim: ProvenanceClaim, verdict: Verdict, isExpecting: boolean): Clause {
  const { unrecognisedParameters: strangers } = claim;
  const base = { name: 'parameters', evidence: 'predicate externalParameters', found: strangers?.join(', ') } as const;
  if (strangers === undefined)
    return {
      ...base,
      expected: [],
      outcome: 'unknown',
      reason: 'it is not known which parameters this build type has',
    };
  const expected = isExpecting ? ['only those that the build type lists'] : [];
  if (!isExpecting)
    return { ...base, expected, outcome: 'unknown', reason: `${strangers.length} unrecognised (no expectation)` };
  if (strangers.length > 0)
    return { ...base, expected, outcome: 'untrusted', reason: `the build type does not list ${strangers.join(', ')}` };
  if (verdict.outcome !== 'verified') return { ...base, expected, outcome: verdict.outcome, reason: verdict.reason };
  return { ...base, expected, outcome: 'verified', reason: 'all are listed by the build type' };
}
