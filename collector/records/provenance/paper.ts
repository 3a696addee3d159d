import type { Evidence, Origin } from '../attestation/evidence.ts';
import { coveredVerdict } from '../attestation/index-cover.ts';
import { slsaPredicates } from '../attestation/statement.ts';
import { type Problem, problemText } from '../discovery/problem.ts';
import { expectsProvenance } from '../expectation/expectation.ts';
import type { ImageExpectation } from '../expectation/schema.ts';
import type { Clause, ProvenancePaper, ProvenanceRecord, SignatureRecord } from '../papers.ts';
import type { Verdict } from '../signature/judge.ts';
import { provenanceClauses } from './clauses.ts';
import { parseProvenance } from './slsa.ts';

const order: readonly ProvenancePaper['outcome'][] = ['verified', 'untrusted', 'invalid', 'unknown', 'absent'];
const maxRecords = 16;

/** Chooses the provenance to show: a verified one before an unsigned or a stranger's, those before a broken one. */
export function chooseProvenance(
  evidence: readonly Evidence[],
  signatures: readonly SignatureRecord[],
  problems: readonly Problem[],
  expectation?: ImageExpectation,
): ProvenancePaper {
  const found = evidence.flatMap((item) => toRecord(item, signatures, expectation));
  const records = found.sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome)).slice(0, maxRecords);
  const [best] = records;
  if (best?.outcome === 'verified') return paperOf(best, records);
  if (problems.length > 0)
    return {
      ...(best === undefined ? nothing : paperOf(best, records)),
      outcome: 'unknown',
      reason: problemText(problems),
    };
  if (best !== undefined) return paperOf(best, records);
  const wanted = expectsProvenance(expectation) ? ', and the policy expects one' : '';
  return { ...nothing, outcome: 'absent', reason: `no provenance was found on the image${wanted}` };
}

const nothing = { predicateType: undefined, builderId: undefined, sourceUri: undefined, signer: undefined };

function paperOf(best: ProvenanceRecord, records: readonly ProvenanceRecord[]): ProvenancePaper {
  const { outcome, reason, predicateType, claim, clauses, signer } = best;
  const { builderId, sourceUri } = claim ?? nothing;
  return { outcome, reason, predicateType, builderId, sourceUri, signer, claim, clauses, records };
}

function toRecord(
  item: Evidence,
  signatures: readonly SignatureRecord[],
  expectation: ImageExpectation | undefined,
): ProvenanceRecord[] {
  if (item.kind === 'rejected' && item.paper === 'provenance') return [broken(item.verdict, undefined, item.origin)];
  if (item.kind !== 'statement' || !slsaPredicates.includes(item.statement.predicateType)) return [];
  const { predicateType, predicate } = item.statement;
  const verdict = coveredVerdict(item, signatures);
  try {
    const claim = parseProvenance(predicateType, predicate);
    const clauses = provenanceClauses(claim, verdict, expectation);
    const { outcome, reason } = sumUp(verdict, clauses);
    return [{ outcome, reason, predicateType, claim, clauses, signer: verdict.signer, ...item.origin }];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [broken({ outcome: 'invalid', reason, signer: verdict.signer }, predicateType, item.origin)];
  }
}

function broken(
  { outcome, reason, signer }: Verdict,
  predicateType: string | undefined,
  origin: Origin,
): ProvenanceRecord {
  return { outcome, reason, predicateType, claim: undefined, clauses: [], signer, ...origin };
}

/** A proof that holds for a build that is not the expected one is a stranger's. */
function sumUp(verdict: Verdict, clauses: readonly Clause[]): Pick<Verdict, 'outcome' | 'reason'> {
  const failed = clauses.filter(({ expected, outcome }) => expected.length > 0 && outcome !== 'verified');
  if (verdict.outcome !== 'verified' || failed.length === 0) return verdict;
  const builder = clauses.find(({ name }) => name === 'builder')?.found ?? 'an unnamed builder';
  const why = failed.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return { outcome: 'untrusted', reason: `built by ${builder}, not by our pipeline (${why}); ${verdict.reason}` };
}
