import { createHash } from 'node:crypto';
import {
  type Bundle,
  bundleFromJSON,
  isBundleWithDsseEnvelope,
  isBundleWithMessageSignature,
  ValidationError,
} from '@sigstore/bundle';
import { z } from 'zod';
import { invalid, type Judging, judgeSignature, type Verdict } from '../signature/judge.ts';
import { keysOfLogBody, parseCertificate, type SignerMaterial } from '../signature/material.ts';
import { openEnvelope } from './envelope.ts';
import type { Evidence, Origin } from './evidence.ts';

/** HashAlgorithm of https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_common.proto */
const hashes: ReadonlyMap<number, string> = new Map([
  [1, 'sha256'],
  [2, 'sha384'],
  [3, 'sha512'],
]);

/**
 * Reads a sigstore bundle (https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md) that hangs on an image:
 * a DSSE statement, or a plain signature over the manifest's bytes. `predicateHint` is the manifest's annotation, used
 * only to say what a bundle that cannot be read would have been.
 */
export function openBundle(
  bytes: Uint8Array,
  subjectBytes: Uint8Array,
  judging: Judging,
  origin: Origin,
  predicateHint: string | undefined,
): Evidence[] {
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(withDigest(JSON.parse(Buffer.from(bytes).toString('utf8')), subjectBytes));
  } catch (error) {
    return openEnvelope(
      () => {
        throw describe(error);
      },
      judging,
      origin,
      predicateHint,
    );
  }
  const material = materialOf(bundle);
  if (isBundleWithMessageSignature(bundle)) {
    const { messageDigest, signature } = bundle.content.messageSignature;
    const verdict = judgeMessage(messageDigest, signature, subjectBytes, judging, material);
    return [{ kind: 'signature', record: { format: 'cosign-bundle', ...verdict, ...origin } }];
  }
  if (!isBundleWithDsseEnvelope(bundle))
    return openEnvelope(
      () => {
        throw new Error('the bundle has no content');
      },
      judging,
      origin,
      predicateHint,
    );
  const { payloadType, payload, signatures } = bundle.content.dsseEnvelope;
  const envelope = {
    payloadType,
    payload: Buffer.from(payload),
    signatures: signatures.map(({ sig }) => Buffer.from(sig)),
  };
  return openEnvelope(() => ({ envelope, material }), judging, origin, predicateHint);
}

const undigested = z.object({ messageSignature: z.looseObject({ messageDigest: z.strictObject({}) }) });

/**
 * Cosign names no digest when it signs bytes with an Ed25519 key, which the bundle parser refuses. The digest only says
 * sooner what the signature over the bytes proves, so it is filled in.
 */
function withDigest(json: unknown, subjectBytes: Uint8Array): unknown {
  if (!undigested.safeParse(json).success) return json;
  const { messageSignature, ...rest } = json as { messageSignature: object };
  const digest = createHash('sha256').update(subjectBytes).digest('base64');
  return { ...rest, messageSignature: { ...messageSignature, messageDigest: { algorithm: 'SHA2_256', digest } } };
}

function judgeMessage(
  claimed: { algorithm: number; digest: Uint8Array },
  signature: Uint8Array,
  subjectBytes: Uint8Array,
  judging: Judging,
  material: SignerMaterial,
): Verdict {
  const hash = hashes.get(claimed.algorithm);
  if (hash === undefined) return invalid('the digest of what it signs is of an unknown algorithm', 'format');
  const expected = `${hash}:${createHash(hash).update(subjectBytes).digest('hex')}`;
  const found = `${hash}:${Buffer.from(claimed.digest).toString('hex')}`;
  if (found !== expected) return invalid(`it is about another image: expected ${expected}, found ${found}`, 'subject');
  return judgeSignature(judging, { signed: subjectBytes, signature, material });
}

function materialOf(bundle: Bundle): SignerMaterial {
  const { content, tlogEntries } = bundle.verificationMaterial;
  const certificate =
    content.$case === 'certificate'
      ? content.certificate.rawBytes
      : content.$case === 'x509CertificateChain'
        ? content.x509CertificateChain.certificates[0]?.rawBytes
        : undefined;
  return {
    publicKeyHint: content.$case === 'publicKey' ? content.publicKey.hint : undefined,
    certificate: certificate === undefined ? undefined : parseCertificate(certificate),
    logKeys: tlogEntries.slice(0, 8).flatMap((entry) => keysOfLogBody(entry.canonicalizedBody)),
    bundle,
  };
}

function describe(error: unknown): Error {
  if (error instanceof ValidationError) return new Error(`the sigstore bundle is malformed: ${error.message}`);
  return new Error('the sigstore bundle is no JSON or malformed');
}
