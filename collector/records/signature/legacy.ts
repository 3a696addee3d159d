import { z } from 'zod';
import type { SignatureRecord } from '../papers.ts';
import { invalid, judgeSignature, type Verdict } from './judge.ts';
import type { PinnedKey } from './keys.ts';
import { keysOfLogBody, noMaterial, parseCertificate, type SignerMaterial } from './material.ts';

type Annotations = Readonly<Record<string, string>>;

const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const payloadType = 'cosign container image signature';
const payloadSchema = z.object({
  critical: z.object({ type: z.string(), image: z.record(z.string(), z.unknown()) }),
});
const bundleSchema = z.object({ Payload: z.object({ body: z.string() }) });

/** Certificate and log entry that cosign's annotations carry; broken ones count as not there. */
export function materialOfAnnotations(annotations: Annotations): SignerMaterial {
  const pem = annotations['dev.sigstore.cosign/certificate'];
  let logKeys: SignerMaterial['logKeys'] = [];
  try {
    const bundle = bundleSchema.parse(JSON.parse(annotations['dev.sigstore.cosign/bundle'] ?? 'null'));
    logKeys = keysOfLogBody(Buffer.from(bundle.Payload.body, 'base64'));
  } catch {
    logKeys = [];
  }
  return { ...noMaterial, certificate: pem ? parseCertificate(pem) : undefined, logKeys };
}

/**
 * Checks one layer of a cosign legacy signature (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md):
 * the payload must be about the digest the signature hangs on; without that any signature of another image would pass.
 */
export function openLegacySignature(
  payload: Uint8Array,
  annotations: Annotations,
  keys: readonly PinnedKey[],
  origin: { attachedTo: string; source: string },
): SignatureRecord {
  return { format: 'cosign-legacy', ...judgeLegacy(payload, annotations, keys, origin.attachedTo), ...origin };
}

function judgeLegacy(
  payload: Uint8Array,
  annotations: Annotations,
  keys: readonly PinnedKey[],
  attachedTo: string,
): Verdict {
  const encoded = annotations[signatureAnnotation] ?? '';
  const signature = Buffer.from(encoded, 'base64');
  if (signature.length === 0) return invalid(`its annotation ${signatureAnnotation} is missing or empty`);
  const found = signedDigest(payload);
  if (found === undefined) return invalid('its payload is no simple signing document');
  if (found !== attachedTo) return invalid(`it is about another image: expected ${attachedTo}, found ${found}`);
  return judgeSignature(keys, payload, signature, materialOfAnnotations(annotations));
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
