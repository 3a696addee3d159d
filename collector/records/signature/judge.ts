import type { Outcome, Signer } from '../papers.ts';
import { keyFingerprint, type PinnedKey } from './keys.ts';
import { certificateName, type SignerMaterial } from './material.ts';
import { isSignedBy } from './verify-key.ts';

/** What came out of checking one signature. */
export interface Verdict {
  outcome: Exclude<Outcome, 'absent'>;
  reason: string;
  signer: Signer | undefined;
}

/**
 * Who made this signature: a pinned key (verified), somebody else whose signature holds (untrusted), or nobody: it claims
 * a key or certificate that did not make it (invalid). The pinned keys are tried first; the hint never adds trust.
 */
export function judgeSignature(
  keys: readonly PinnedKey[],
  signed: Uint8Array,
  signature: Uint8Array,
  material: SignerMaterial,
): Verdict {
  const pinned = keys.find(({ key }) => isSignedBy(key, signed, signature));
  if (pinned !== undefined)
    return { outcome: 'verified', reason: `signed with the pinned key ${pinned.name}`, signer: keySigner(pinned) };
  const claimed = keys.find(({ fingerprint }) => fingerprint === hintFingerprint(material.publicKeyHint));
  if (claimed !== undefined)
    return invalid(
      `it names the pinned key ${claimed.name}, but that key did not make this signature: the signature or what it signs was altered`,
    );
  return judgeByCertificate(signed, signature, material) ?? judgeByLog(signed, signature, material) ?? unpinned(keys);
}

export function invalid(reason: string): Verdict {
  return { outcome: 'invalid', reason, signer: undefined };
}

function keySigner({ name, fingerprint }: PinnedKey): Signer {
  return { kind: 'key', name, keyFingerprint: fingerprint };
}

/** The hint as a fingerprint; undefined when it is not cosign's base64 of a sha256. */
function hintFingerprint(hint: string | undefined): string | undefined {
  const bytes = Buffer.from(hint ?? '', 'base64');
  return bytes.length === 32 ? `sha256:${bytes.toString('hex')}` : undefined;
}

function judgeByCertificate(signed: Uint8Array, signature: Uint8Array, material: SignerMaterial): Verdict | undefined {
  const { certificate } = material;
  if (certificate === undefined) return undefined;
  const name = certificateName(certificate);
  if (!isSignedBy(certificate.publicKey, signed, signature))
    return invalid(`the certificate of ${name} that comes with it did not make this signature`);
  const signer: Signer = { kind: 'certificate', name, keyFingerprint: keyFingerprint(certificate.publicKey) };
  return {
    outcome: 'untrusted',
    reason: `signed with a certificate that names ${name}; no pinned key made it, and certificates are not trusted here`,
    signer,
  };
}

function judgeByLog(signed: Uint8Array, signature: Uint8Array, material: SignerMaterial): Verdict | undefined {
  if (material.logKeys.length === 0) return undefined;
  const maker = material.logKeys.find((key) => isSignedBy(key, signed, signature));
  if (maker === undefined) return invalid('the key that its transparency log entry names did not make this signature');
  const fingerprint = keyFingerprint(maker);
  return {
    outcome: 'untrusted',
    reason: `signed with a key that is not pinned (${fingerprint.slice(0, 19)}…)`,
    signer: { kind: 'key', name: fingerprint.slice(0, 19), keyFingerprint: fingerprint },
  };
}

function unpinned(keys: readonly PinnedKey[]): Verdict {
  const reason =
    keys.length === 0
      ? 'no key is pinned, so nobody’s signature can be verified: pin the public keys of those who may sign'
      : `not made by any pinned key (${keys.map(({ name }) => name).join(', ')}), or altered`;
  return { outcome: 'untrusted', reason, signer: undefined };
}
