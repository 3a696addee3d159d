import { z } from 'zod';
import type { AttestedPaper } from './evidence.ts';

/** in-toto Statement (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md), v0.1 and v1. */
const statementSchema = z.object({
  _type: z.enum(['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1']),
  subject: z
    .array(z.object({ name: z.string().max(4096).nullish(), digest: z.record(z.string(), z.string().max(256)) }))
    .min(1)
    .max(1000),
  predicateType: z.string().min(1).max(1024),
  predicate: z.unknown(),
});
export type Statement = z.infer<typeof statementSchema>;

export const statementPayloadType = 'application/vnd.in-toto+json';
export const cosignSignPredicate = 'https://sigstore.dev/cosign/sign/v1';
export const slsaPredicates: readonly string[] = ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'];

/** Matches also a version behind the type, as in "https://spdx.dev/Document/v2.3". */
export function isSbomPredicate(predicateType: string): boolean {
  return ['https://spdx.dev/Document', 'https://cyclonedx.org/bom', 'https://syft.dev/bom'].some(
    (type) => predicateType === type || predicateType.startsWith(`${type}/`),
  );
}

/** https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md */
export function isScanPredicate(predicateType: string): boolean {
  return predicateType === 'https://cosign.sigstore.dev/attestation/vuln/v1';
}

/** With or without a version behind it, as in "https://openvex.dev/ns/v0.2.0". */
export function isVexPredicate(predicateType: string): boolean {
  return /^https:\/\/openvex\.dev\/ns(\/|$)/.test(predicateType) || predicateType === 'https://cyclonedx.org/vex';
}

/** Which papers a predicate type belongs to; all of them when the type is not known, since it may have been any. */
export function papersOfPredicate(predicateType: string): readonly AttestedPaper[] {
  if (predicateType === '') return ['sbom', 'provenance', 'vulnerabilities'];
  if (isSbomPredicate(predicateType)) return ['sbom'];
  if (isScanPredicate(predicateType) || isVexPredicate(predicateType)) return ['vulnerabilities'];
  return slsaPredicates.includes(predicateType) ? ['provenance'] : [];
}

/** Throws when the bytes are no statement; the message names the field. */
export function parseStatement(bytes: Uint8Array): Statement {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    throw new Error('the signed statement is no JSON');
  }
  const result = statementSchema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`the signed statement is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
}

/** Undefined when a subject of the statement is `digest`; else what it speaks of, in words. */
export function subjectMismatch(statement: Statement, digest: string): string | undefined {
  const found = statement.subject.map((subject) => subject.digest.sha256).filter((hex) => hex !== undefined);
  if (found.includes(digest.replace('sha256:', ''))) return undefined;
  const shown = found.slice(0, 3).map((hex) => `sha256:${hex.slice(0, 64)}`);
  return `it is about another image: expected ${digest}, found ${shown.join(', ') || 'no sha256 digest'}`;
}
