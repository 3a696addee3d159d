import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { CodedError } from '../../../common/errors.ts';

/** A public key the operator trusts to sign images. */
export interface PinnedKey {
  /** The key file's name without folder and ".pub" or ".pem". */
  name: string;
  /** "sha256:<hex>" over the SPKI DER. */
  fingerprint: string;
  key: KeyObject;
}

const maxKeyFileBytes = 64 * 1024;
const minRsaBits = 2048;
const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Reads PEM public keys as `cosign generate-key-pair` writes them: ECDSA P-256, P-384 or P-521, RSA of 2048 bits or more,
 * Ed25519; several in one file are all read. Throws CodedError SIGNING_KEY_UNUSABLE that names the file and what is wrong.
 */
export function loadCosignKeys(paths: readonly string[]): PinnedKey[] {
  const byFingerprint = new Map<string, PinnedKey>();
  for (const path of paths)
    for (const key of loadFile(path)) if (!byFingerprint.has(key.fingerprint)) byFingerprint.set(key.fingerprint, key);
  return [...byFingerprint.values()];
}

function loadFile(path: string): PinnedKey[] {
  const text = readText(path);
  assertPublic(path, text);
  const blocks = text.match(/-----BEGIN [A-Z ]*PUBLIC KEY-----[\s\S]*?-----END [A-Z ]*PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw unusable(path, 'it has no PEM block "PUBLIC KEY"', exportHint);
  const stem = basename(path).replace(/\.(pub|pem)$/, '');
  return blocks.map((block, index) => toPinnedKey(path, block, index === 0 ? stem : `${stem}#${index + 1}`));
}

const exportHint = 'give the public half, such as cosign.pub; `cosign public-key --key cosign.key` prints it';

function readText(path: string): string {
  let bytes: Buffer;
  try {
    if (statSync(path).size > maxKeyFileBytes) throw new Error(`it is larger than ${maxKeyFileBytes} bytes`);
    bytes = readFileSync(path);
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error), 'check the path and its permissions');
  }
  if (bytes.length === 0) throw unusable(path, 'it is empty', exportHint);
  if (bytes[0] === 0x30)
    throw unusable(path, 'it is in DER form, not PEM', `convert it: openssl pkey -pubin -inform DER -in ${path}`);
  return bytes.toString('utf8');
}

function assertPublic(path: string, text: string): void {
  if (/-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----/.test(text))
    throw unusable(path, 'it is cosign’s encrypted private key', exportHint);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw unusable(path, 'it is a private key', exportHint);
  if (/-----BEGIN CERTIFICATE-----/.test(text))
    throw unusable(path, 'it is a certificate', 'pin its key: openssl x509 -in FILE -noout -pubkey');
}

function toPinnedKey(path: string, pem: string, name: string): PinnedKey {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw unusable(
      path,
      `its PEM block is no public key (${error instanceof Error ? error.message : error})`,
      exportHint,
    );
  }
  const weakness = weaknessOf(key);
  if (weakness !== undefined)
    throw unusable(path, weakness, 'sign with ECDSA P-256, P-384, RSA 2048 or more, or Ed25519');
  return { name, fingerprint: keyFingerprint(key), key };
}

function weaknessOf(key: KeyObject): string | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return undefined;
    case 'ec':
      return curves.has(namedCurve ?? '') ? undefined : `its curve ${namedCurve} is not one that cosign uses`;
    case 'rsa':
    case 'rsa-pss':
      return (modulusLength ?? 0) >= minRsaBits ? undefined : `its RSA modulus has only ${modulusLength} bits`;
    default:
      return `its type ${key.asymmetricKeyType} is not supported`;
  }
}

/** "sha256:<hex>" over the SPKI DER. */
export function keyFingerprint(key: KeyObject): string {
  return `sha256:${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`;
}

function unusable(path: string, why: string, hint: string): CodedError {
  return new CodedError('SIGNING_KEY_UNUSABLE', `signing key ${path} cannot be used: ${why}`, { hint });
}
