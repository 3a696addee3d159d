import type { Evidence } from '../attestation/evidence.ts';
import { type Problem, problemText } from '../discovery/problem.ts';
import type { SignaturePaper, SignatureRecord } from '../papers.ts';

/**
 * Sums up the signatures of an image: one verified signature is enough; without it anything that could not be looked at
 * may have been one (unknown); a broken proof weighs more than a stranger's.
 */
export function sumUpSignatures(evidence: readonly Evidence[], problems: readonly Problem[]): SignaturePaper {
  const records = evidence.flatMap((item) => (item.kind === 'signature' ? [item.record] : [])).sort(byOutcome);
  const [best] = records;
  if (best?.outcome === 'verified') return summary(best, records);
  if (problems.length > 0) return { outcome: 'unknown', reason: problemText(problems), signer: undefined, records };
  if (best !== undefined) return summary(best, records);
  return { outcome: 'absent', reason: 'no signature was found on the image', signer: undefined, records };
}

const order: readonly SignatureRecord['outcome'][] = ['verified', 'invalid', 'untrusted', 'unknown', 'absent'];

function byOutcome(a: SignatureRecord, b: SignatureRecord): number {
  return order.indexOf(a.outcome) - order.indexOf(b.outcome);
}

function summary({ outcome, reason, signer }: SignatureRecord, records: readonly SignatureRecord[]): SignaturePaper {
  return { outcome, reason, signer, records };
}
