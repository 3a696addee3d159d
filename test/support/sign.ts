import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  attachReferrer,
  imageManifestType,
  type PushedDescriptor,
  type PushTarget,
  pushBlob,
  pushManifest,
} from './push-papers.ts';

export interface SigningKey {
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** PEM, as in cosign.pub: write it to a file and give that to the collector. */
  publicKeyPem: string;
  /** "sha256:<hex>" over the SPKI DER. */
  fingerprint: string;
  /** Base64 of the same hash: the hint in cosign's bundles. */
  hint: string;
}

export type KeyKind = 'p256' | 'p384' | 'rsa' | 'ed25519';

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const statementType = 'application/vnd.in-toto+json';
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** A key pair as `cosign generate-key-pair` makes it (P-256), or of another kind that cosign accepts. */
export function generateSigningKey(kind: KeyKind = 'p256'): SigningKey {
  const { privateKey, publicKey } = generate(kind);
  const hash = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }));
  const digest = hash.digest();
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    privateKey,
    publicKey,
    publicKeyPem,
    fingerprint: `sha256:${digest.toString('hex')}`,
    hint: digest.toString('base64'),
  };
}

function generate(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
  }
}

/** Signs as cosign's verifiers expect of this kind of key: SHA-256, also for P-384; Ed25519 without a hash. */
export function signBytes(key: SigningKey, bytes: Uint8Array): Buffer {
  return sign(key.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key.privateKey);
}

/** The DSSE pre-authentication encoding of a statement: what is signed. */
function preAuthEncoding(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${statementType.length} ${statementType} ${payload.length} `), payload]);
}

/** A cosign 3 bundle around an in-toto statement. */
export function createBundle(key: SigningKey, statement: object): Buffer {
  const payload = Buffer.from(JSON.stringify(statement));
  const sig = signBytes(key, preAuthEncoding(payload)).toString('base64');
  return Buffer.from(
    JSON.stringify({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint: key.hint } },
      dsseEnvelope: { payload: payload.toString('base64'), payloadType: statementType, signatures: [{ sig }] },
    }),
  );
}

/** The statement that `cosign sign` (3.x) signs. */
export function signStatement(digest: string): object {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest.replace('sha256:', '') }, annotations: {} }],
    predicateType: signPredicate,
    predicate: {},
  };
}

export interface SignRequest extends PushTarget {
  /** The digest the signature hangs on. */
  digest: string;
  key: SigningKey;
  /** What the signature is about, when that shall differ from `digest` (for tests of wrong subjects). */
  claimedDigest?: string;
}

/** Signs an image in a registry: a bundle as cosign 3 attaches it, or a legacy .sig tag as cosign 2 does. */
export async function signImage(request: SignRequest & { format: 'bundle' | 'legacy' }): Promise<PushedDescriptor> {
  if (request.format === 'legacy') return signLegacy(request);
  return attachBundle(
    request,
    createBundle(request.key, signStatement(request.claimedDigest ?? request.digest)),
    signPredicate,
  );
}

/** Attaches an attestation as `cosign attest` (3.x) does. */
export async function attestSbom(
  request: SignRequest & { predicate: unknown; predicateType: string },
): Promise<PushedDescriptor> {
  const { predicate, predicateType, key } = request;
  const sha256 = (request.claimedDigest ?? request.digest).replace('sha256:', '');
  const name = `${new URL(request.registry.url).host}/${request.repository}`;
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    subject: [{ name, digest: { sha256 } }],
    predicateType,
    predicate,
  };
  return attachBundle(request, createBundle(key, statement), predicateType);
}

/** Attaches an unsigned SBOM document as `oras attach` does. */
export async function attachSbom(
  request: PushTarget & { digest: string; document: Uint8Array; mediaType: string },
): Promise<PushedDescriptor> {
  const { digest, document, mediaType } = request;
  return attachReferrer(request, digest, { artifactType: mediaType, layers: [{ mediaType, bytes: document }] });
}

export function attachBundle(
  request: PushTarget & { digest: string },
  bundle: Buffer,
  predicateType: string,
): Promise<PushedDescriptor> {
  return attachReferrer(request, request.digest, {
    artifactType: bundleType,
    layers: [{ mediaType: bundleType, bytes: bundle }],
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': predicateType,
      'org.opencontainers.image.created': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  });
}

/** The payload that `cosign sign` (2.x) signs. */
export function simpleSigningPayload(reference: string, digest: string): Buffer {
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

async function signLegacy(request: SignRequest): Promise<PushedDescriptor> {
  const reference = `${new URL(request.registry.url).host}/${request.repository}`;
  const payload = simpleSigningPayload(reference, request.claimedDigest ?? request.digest);
  const signature = signBytes(request.key, payload).toString('base64');
  const layer = await pushBlob(request, payload, 'application/vnd.dev.cosign.simplesigning.v1+json');
  const zeroTime = '0001-01-01T00:00:00Z';
  const config = {
    architecture: '',
    created: zeroTime,
    history: [{ created: zeroTime }],
    os: '',
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    config: {},
  };
  const pushedConfig = await pushBlob(
    request,
    Buffer.from(JSON.stringify(config)),
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifestType,
    config: { mediaType: pushedConfig.mediaType, size: pushedConfig.size, digest: pushedConfig.digest },
    layers: [
      {
        mediaType: layer.mediaType,
        size: layer.size,
        digest: layer.digest,
        annotations: { 'dev.cosignproject.cosign/signature': signature },
      },
    ],
  };
  return pushManifest(request, manifest, imageManifestType, `${request.digest.replace(':', '-')}.sig`);
}
