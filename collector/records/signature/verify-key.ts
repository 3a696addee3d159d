import { constants, type KeyObject, verify } from 'node:crypto';
import { ed25519ph } from '@noble/curves/ed25519.js';

const curveHash: Readonly<Record<string, string>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' };
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };

/**
 * Whether `signature` over `signed` was made with the key, in any of the ways cosign signs: SHA-256 first, then the
 * curve's own hash; RSA as PKCS #1 v1.5 or PSS; Ed25519 pure or, as cosign does by default, prehashed (Ed25519ph of
 * RFC 8032, which node:crypto does not offer). Malformed signatures are simply not valid.
 */
export function isSignedBy(key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  try {
    switch (key.asymmetricKeyType) {
      case 'ed25519':
        return verify(null, signed, key, signature) || isPrehashedSigned(key, signed, signature);
      case 'ec': {
        const own = curveHash[key.asymmetricKeyDetails?.namedCurve ?? ''];
        return own !== undefined && [...new Set(['sha256', own])].some((hash) => verify(hash, signed, key, signature));
      }
      case 'rsa':
      case 'rsa-pss':
        return isRsaSigned(key, signed, signature);
      default:
        return false;
    }
  } catch {
    return false;
  }
}

function isRsaSigned(key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  const isPkcs1 = key.asymmetricKeyType === 'rsa';
  return ['sha256', 'sha384', 'sha512'].some(
    (hash) => (isPkcs1 && verify(hash, signed, key, signature)) || verify(hash, signed, { key, ...pss }, signature),
  );
}

function isPrehashedSigned(key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  const { x } = key.export({ format: 'jwk' });
  return signature.length === 64 && x !== undefined && ed25519ph.verify(signature, signed, Buffer.from(x, 'base64url'));
}
