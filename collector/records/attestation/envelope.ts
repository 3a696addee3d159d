import { dsse } from '@sigstore/core';
import { z } from 'zod';
import { invalid, type Judging, judgeSignature, type Verdict } from '../signature/judge.ts';
import type { SignerMaterial } from '../signature/material.ts';
import type { Evidence, Origin } from './evidence.ts';
import {
  cosignSignPredicate,
  papersOfPredicate,
  parseStatement,
  type Statement,
  statementPayloadType,
  subjectMismatch,
} from './statement.ts';

/** https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export interface Envelope {
  payloadType: string;
  payload: Buffer;
  signatures: readonly Buffer[];
}

const base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'not base64');
const envelopeSchema = z.object({
  payloadType: z.string().max(256),
  payload: z.string(),
  signatures: z
    .array(z.object({ sig: base64 }))
    .min(1)
    .max(16),
});

/** Throws when the JSON is no DSSE envelope; the message names the field. */
export function parseEnvelope(json: unknown): Envelope {
  const result = envelopeSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new Error(`the DSSE envelope is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
  }
  const { payloadType, payload, signatures } = result.data;
  return {
    payloadType,
    payload: Buffer.from(payload, 'base64'),
    signatures: signatures.map(({ sig }) => Buffer.from(sig, 'base64')),
  };
}

const ranks: Readonly<Record<Verdict['outcome'], number>> = { verified: 0, untrusted: 1, invalid: 2, unknown: 3 };

/** The best verdict over the envelope's signatures: one good signature is enough. */
export function judgeEnvelope(envelope: Envelope, judging: Judging, material: SignerMaterial): Verdict {
  const signed = dsse.preAuthEncoding(envelope.payloadType, envelope.payload);
  const verdicts = envelope.signatures.map((signature) => judgeSignature(judging, { signed, signature, material }));
  return verdicts.reduce((best, verdict) => (ranks[verdict.outcome] < ranks[best.outcome] ? verdict : best));
}

/** What an envelope says about the image it hangs on. A bundle that cannot be read counts as what `hint` says it is. */
export function openEnvelope(
  read: () => { envelope: Envelope; material: SignerMaterial },
  judging: Judging,
  origin: Origin,
  hint: string | undefined,
): Evidence[] {
  let statement: Statement;
  let verdict: Verdict;
  try {
    const { envelope, material } = read();
    if (envelope.payloadType !== statementPayloadType)
      return reject(
        hint,
        {
          outcome: 'unknown',
          reason: `format: its payload type is not supported: ${envelope.payloadType}`,
          signer: undefined,
          failedStep: 'format',
        },
        origin,
      );
    verdict = judgeEnvelope(envelope, judging, material);
    statement = parseStatement(envelope.payload);
  } catch (error) {
    return reject(hint, invalid(error instanceof Error ? error.message : String(error), 'format'), origin);
  }
  const mismatch = subjectMismatch(statement, origin.attachedTo);
  if (mismatch !== undefined) verdict = invalid(mismatch, 'subject');
  if (statement.predicateType === cosignSignPredicate) return [signatureEvidence(verdict, origin)];
  if (verdict.outcome === 'invalid') return reject(statement.predicateType, verdict, origin);
  return [{ kind: 'statement', statement, verdict, isInIndex: false, origin }];
}

function reject(predicateType: string | undefined, verdict: Verdict, origin: Origin): Evidence[] {
  if (predicateType === undefined || predicateType === cosignSignPredicate) return [signatureEvidence(verdict, origin)];
  return papersOfPredicate(predicateType).map((paper) => ({ kind: 'rejected', paper, verdict, origin }));
}

function signatureEvidence(verdict: Verdict, origin: Origin): Evidence {
  return { kind: 'signature', record: { format: 'cosign-bundle', ...verdict, ...origin } };
}
