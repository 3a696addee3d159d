import type { SignatureRecord } from '../papers.ts';
import type { Verdict } from '../signature/judge.ts';
import type { Evidence } from './evidence.ts';

/**
 * The verdict on a statement, given the image's signatures: an unsigned attestation inside an index is covered by a
 * verified signature on that index, which fixes every byte of it. That is the signer's word for its integrity; what the
 * builder wrote in it is as true as the builder is honest.
 */
export function coveredVerdict(
  statement: Extract<Evidence, { kind: 'statement' }>,
  signatures: readonly SignatureRecord[],
): Verdict {
  if (!statement.isInIndex) return statement.verdict;
  const cover = signatures.find(
    ({ outcome, attachedTo }) => outcome === 'verified' && attachedTo === statement.origin.attachedTo,
  );
  if (cover === undefined) return statement.verdict;
  const who = cover.signer?.name ?? 'a pinned key';
  return {
    outcome: 'verified',
    reason: `unsigned itself, but part of the index that ${who} signed`,
    signer: cover.signer,
  };
}
