import type { Evidence } from '../attestation/evidence.ts';
import { coveredVerdict } from '../attestation/index-cover.ts';
import { slsaPredicates } from '../attestation/statement.ts';
import { type Problem, problemText } from '../discovery/problem.ts';
import type { ProvenancePaper, SignatureRecord } from '../papers.ts';
import { parseProvenance } from './slsa.ts';

const order: readonly ProvenancePaper['outcome'][] = ['verified', 'untrusted', 'invalid', 'unknown', 'absent'];

/** Chooses the provenance to show: a verified one before an unsigned or a stranger's, those before a broken one. */
export function chooseProvenance(
  evidence: readonly Evidence[],
  signatures: readonly SignatureRecord[],
  problems: readonly Problem[],
): ProvenancePaper {
  const papers = evidence.flatMap((item) => toPaper(item, signatures));
  const [best] = papers.sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome));
  if (best?.outcome === 'verified') return best;
  if (problems.length > 0) return { ...(best ?? nothing), outcome: 'unknown', reason: problemText(problems) };
  return best ?? { ...nothing, outcome: 'absent', reason: 'no provenance was found on the image' };
}

const nothing = { predicateType: undefined, builderId: undefined, sourceUri: undefined, signer: undefined };

function toPaper(item: Evidence, signatures: readonly SignatureRecord[]): ProvenancePaper[] {
  if (item.kind === 'rejected' && item.paper === 'provenance') return [{ ...nothing, ...item.verdict }];
  if (item.kind !== 'statement' || !slsaPredicates.includes(item.statement.predicateType)) return [];
  const { predicateType, predicate } = item.statement;
  const verdict = coveredVerdict(item, signatures);
  try {
    return [{ ...verdict, predicateType, ...parseProvenance(predicateType, predicate) }];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ ...nothing, outcome: 'invalid', reason, predicateType, signer: verdict.signer }];
  }
}
