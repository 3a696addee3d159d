import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Envelope } from '../attestation/envelope.ts';
import type { SignatureRecord } from '../papers.ts';
import { invalid, type Judging, judgeSignature, type Verdict } from './judge.ts';
import { materialOfAnnotations } from './legacy-material.ts';
import type { SignerMaterial } from './material.ts';

type Annotations = Readonly<Record<string, string>>;

const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const payloadType = 'cosign container image signature';
const payloadSchema = z.object({
  critical: z.object({ type: z.string(), image: z.record(z.string(), z.unknown()) }),
});

/** Of a legacy attestation. Cosign has the whole envelope time-stamped, not the signature in it. */
export function materialOfEnvelope(annotations: Annotations, envelope: Envelope, bytes: Uint8Array): SignerMaterial {
  const dsseEnvelope = {
    payloadType: envelope.payloadType,
    payload: envelope.payload.toString('base64'),
    signatures: envelope.signatures.map((signature) => ({ sig: signature.toString('base64') })),
  };
  return { ...materialOfAnnotations(annotations, { dsseEnvelope }), timestamped: bytes };
}

/**
 * Checks one layer of a cosign legacy signature (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md):
 * the payload must be about the digest the signature hangs on; without that any signature of another image would pass.
 */
export function openLegacySignature(
  payload: Uint8Array,
  annotations: Annotations,
  judging: Judging,
  origin: { attachedTo: string; source: string },
): SignatureRecord {
  return { format: 'cosign-legacy', ...judgeLegacy(payload, annotations, judging, origin.attachedTo), ...origin };
}

function judgeLegacy(payload: Uint8Array, annotations: Annotations, judging: Judging, attachedTo: string): Verdict {
  const encoded = annotations[signatureAnnotation] ?? '';
  const signature = Buffer.from(encoded, 'base64');
  if (signature.length === 0) return invalid(`its annotation ${signatureAnnotation} is missing or empty`, 'format');
  const found = signedDigest(payload);
  if (found === undefined) return invalid('its payload is no simple signing document', 'format');
  if (found !== attachedTo)
    return invalid(`it is about another image: expected ${attachedTo}, found ${found}`, 'subject');
  const digest = createHash('sha256').update(payload).digest('base64');
  const messageSignature = {
    messageDigest: { algorithm: 'SHA2_256', digest },
    signature: signature.toString('base64'),
  };
  const material = materialOfAnnotations(annotations, { messageSignature });
  return judgeSignature(judging, { signed: payload, signature, material });
}

/** The digest in the payload; the key's spelling varies in case between writers. */
function signedDigest(payload: Uint8Array): string | undefined {
  try {
    const { critical } = payloadSchema.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    if (critical.type !== payloadType) return undefined;
    const named = Object.entries(critical.image).filter(([key]) => key.toLowerCase() === 'docker-manifest-digest');
    const digest = named[0]?.[1];
    return named.length === 1 && typeof digest === 'string' ? digest.slice(0, 256) : undefined;
  } catch {
    return undefined;
  }
}
