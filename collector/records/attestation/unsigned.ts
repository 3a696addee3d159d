import type { Attachment } from '../discovery/attachments.ts';
import type { VerificationStep } from '../papers.ts';
import { invalid, type Verdict } from '../signature/judge.ts';
import type { Evidence, Origin } from './evidence.ts';
import { papersOfPredicate, parseStatement, type Statement, subjectMismatch } from './statement.ts';

/**
 * Reads a layer of BuildKit's attestation manifest: a bare in-toto statement without signature
 * (https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md). It is about the platform
 * manifest that the attestation manifest's descriptor names; the index that holds it vouches for its bytes.
 */
export function openUnsignedStatement(
  bytes: Uint8Array,
  attachment: Attachment,
  origin: Origin,
  hint: string,
): Evidence[] {
  const reject = (reason: string, step: VerificationStep): Evidence[] =>
    papersOfPredicate(hint).map((paper) => ({ kind: 'rejected', paper, verdict: invalid(reason, step), origin }));
  let statement: Statement;
  try {
    statement = parseStatement(bytes);
  } catch (error) {
    return reject(error instanceof Error ? error.message : String(error), 'format');
  }
  const mismatch = attachment.describes === undefined ? undefined : subjectMismatch(statement, attachment.describes);
  if (mismatch !== undefined) return reject(mismatch, 'subject');
  const reason = 'BuildKit’s attestation is unsigned, and no verified signature covers the index that holds it';
  const verdict: Verdict = { outcome: 'untrusted', reason, signer: undefined };
  return [{ kind: 'statement', statement, verdict, isInIndex: true, origin }];
}
