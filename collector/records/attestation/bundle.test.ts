import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fixturePath, readFixture } from '../../../test/support/push-papers.ts';
import {
  createBundle,
  generateSigningKey,
  type SigningKey,
  signBytes,
  signStatement,
} from '../../../test/support/sign.ts';
import type { SignatureRecord } from '../papers.ts';
import { sha256Digest } from '../registry/digest.ts';
import type { Judging } from '../signature/judge.ts';
import { loadCosignKeys, type PinnedKey } from '../signature/keys.ts';
import { trustOf } from '../trust/trust.ts';
import { openBundle } from './bundle.ts';
import type { Evidence } from './evidence.ts';

const key = generateSigningKey();
const stranger = generateSigningKey();
const pinned = (signer: SigningKey, name = 'team'): PinnedKey => ({
  name,
  fingerprint: signer.fingerprint,
  key: signer.publicKey,
});
const image = Buffer.from('{"schemaVersion":2}');
const digest = sha256Digest(image);
const origin = { attachedTo: digest, source: 'referrer sha256:x' };

interface BundleJson {
  verificationMaterial: Record<string, unknown>;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

function altered(bundle: Buffer, change: (json: BundleJson) => void): Buffer {
  const json = JSON.parse(bundle.toString('utf8')) as BundleJson;
  change(json);
  return Buffer.from(JSON.stringify(json));
}

const by = (keys: readonly PinnedKey[]): Judging => ({ trust: trustOf({ keys }), repository: 'registry.test/app' });

function open(bundle: Uint8Array, keys = [pinned(key)], hint?: string): Evidence[] {
  return openBundle(bundle, image, by(keys), origin, hint);
}

function onlyRecord(evidence: readonly Evidence[]): SignatureRecord {
  expect(evidence).toHaveLength(1);
  expect(evidence[0]?.kind).toBe('signature');
  return (evidence[0] as Extract<Evidence, { kind: 'signature' }>).record;
}

const good = createBundle(key, signStatement(digest));

describe('a bundle with a DSSE statement', () => {
  it('is verified by the pinned key that made it, of every kind', () => {
    expect(onlyRecord(open(good))).toMatchObject({
      outcome: 'verified',
      signer: { name: 'team', keyFingerprint: key.fingerprint },
    });
    for (const kind of ['p384', 'rsa', 'ed25519'] as const) {
      const other = generateSigningKey(kind);
      const bundle = createBundle(other, signStatement(digest));
      expect(onlyRecord(open(bundle, [pinned(stranger), pinned(other)])).outcome, kind).toBe('verified');
    }
  });

  it('about another image is invalid, although the pinned key made it', () => {
    const other = sha256Digest(Buffer.from('other'));
    const record = onlyRecord(open(createBundle(key, signStatement(other))));
    expect(record.outcome).toBe('invalid');
    expect(record.reason).toContain(`expected ${digest}, found ${other}`);
  });

  it('altered after signing is invalid: it names the pinned key, which did not sign that', () => {
    const other = createBundle(stranger, signStatement(digest));
    const swapped = altered(good, (json) => {
      json.dsseEnvelope.signatures = (JSON.parse(other.toString('utf8')) as BundleJson).dsseEnvelope.signatures;
    });
    expect(onlyRecord(open(swapped))).toMatchObject({ outcome: 'invalid', reason: expect.stringContaining('team') });
    const reworded = altered(good, (json) => {
      const payload = Buffer.from(json.dsseEnvelope.payload, 'base64')
        .toString('utf8')
        .replace('"predicate":{}', '"predicate":{"a":1}');
      json.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
    });
    expect(onlyRecord(open(reworded)).outcome).toBe('invalid');
  });

  it('is not saved by a forged hint, and not spoiled by a foreign one', () => {
    const forged = altered(createBundle(stranger, signStatement(digest)), (json) => {
      json.verificationMaterial = { publicKey: { hint: key.hint } };
    });
    expect(onlyRecord(open(forged)).outcome).toBe('invalid');
    const foreign = altered(good, (json) => {
      json.verificationMaterial = { publicKey: { hint: stranger.hint } };
    });
    expect(onlyRecord(open(foreign)).outcome).toBe('verified');
  });

  it('of a stranger is untrusted, and says whether any key is pinned', () => {
    expect(onlyRecord(open(createBundle(stranger, signStatement(digest))))).toMatchObject({
      outcome: 'untrusted',
      reason: 'signature: not made by any pinned key (team), or altered',
    });
    expect(onlyRecord(open(good, []))).toMatchObject({
      outcome: 'untrusted',
      reason: expect.stringContaining('no key is pinned'),
    });
  });

  it('logged with the maker’s key is untrusted if that key made it and invalid if not', () => {
    const withLog = (signer: SigningKey): Buffer =>
      altered(createBundle(stranger, signStatement(digest)), (json) => {
        const verifier = Buffer.from(signer.publicKeyPem).toString('base64');
        const body = { apiVersion: '0.0.1', kind: 'dsse', spec: { signatures: [{ verifier }] } };
        const proof = { logIndex: '1', rootHash: 'AA==', treeSize: '1', hashes: [], checkpoint: { envelope: 'x' } };
        json.verificationMaterial.tlogEntries = [
          {
            logIndex: '1',
            logId: { keyId: 'AA==' },
            kindVersion: { kind: 'dsse', version: '0.0.1' },
            integratedTime: '1',
            inclusionProof: proof,
            canonicalizedBody: Buffer.from(JSON.stringify(body)).toString('base64'),
          },
        ];
        json.verificationMaterial.publicKey = { hint: 'whoever' };
      });
    expect(onlyRecord(open(withLog(stranger)))).toMatchObject({
      outcome: 'untrusted',
      signer: { kind: 'key', keyFingerprint: stranger.fingerprint },
    });
    expect(onlyRecord(open(withLog(generateSigningKey()))).outcome).toBe('invalid');
  });

  it('with a certificate names its subject if it made the signature, and is invalid if not', () => {
    const certificate = new X509Certificate(readFixture('certificate/signer.crt'));
    const withCertificate = (bundle: Buffer): Buffer =>
      altered(bundle, (json) => {
        json.verificationMaterial = { certificate: { rawBytes: certificate.raw.toString('base64') }, tlogEntries: [] };
      });
    expect(onlyRecord(open(withCertificate(good), [pinned(stranger)])).outcome).toBe('invalid');
    const record = onlyRecord(open(readFixture('certificate/bundle.json'), [pinned(stranger)]));
    expect(record).toMatchObject({
      outcome: 'untrusted',
      signer: { kind: 'certificate', name: 'https://ci.example.com/acme/app/release.yml@refs/tags/v1' },
    });
  });

  it('that cannot be read is an invalid signature, or an invalid SBOM when it was announced as one', () => {
    for (const bytes of [
      '',
      '{',
      '[]',
      '{"mediaType":"x"}',
      JSON.stringify({ ...JSON.parse(good.toString()), dsseEnvelope: { signatures: [] } }),
    ]) {
      expect(onlyRecord(open(Buffer.from(bytes))).outcome, bytes).toBe('invalid');
      expect(open(Buffer.from(bytes), [pinned(key)], 'https://spdx.dev/Document')).toMatchObject([
        { kind: 'rejected', paper: 'sbom' },
      ]);
    }
  });

  it('around something that is no statement is not a signature of the image', () => {
    for (const statement of [
      {},
      { ...signStatement(digest), subject: [] },
      { ...signStatement(digest), _type: 'x' },
      7,
    ])
      expect(onlyRecord(open(createBundle(key, statement as object))).outcome).toBe('invalid');
    const otherType = altered(good, (json) => {
      json.dsseEnvelope.payloadType = 'text/plain';
    });
    expect(onlyRecord(open(otherType)).outcome).toBe('unknown');
  });
});

describe('a bundle with a signature over the manifest', () => {
  const messageBundle = (signer: SigningKey, bytes: Buffer, claimed: Buffer): Buffer =>
    Buffer.from(
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: { publicKey: { hint: signer.hint } },
        messageSignature: {
          messageDigest: {
            algorithm: 'SHA2_256',
            digest: Buffer.from(sha256Digest(claimed).slice(7), 'hex').toString('base64'),
          },
          signature: signBytes(signer, bytes).toString('base64'),
        },
      }),
    );

  it('is verified over the very bytes of the image and nothing else', () => {
    expect(onlyRecord(open(messageBundle(key, image, image))).outcome).toBe('verified');
    expect(onlyRecord(open(messageBundle(key, Buffer.from('x'), image))).outcome).toBe('invalid');
    expect(onlyRecord(open(messageBundle(key, Buffer.from('x'), Buffer.from('x')))).reason).toContain('another image');
    expect(onlyRecord(open(messageBundle(stranger, image, image))).outcome).toBe('untrusted');
  });
});

describe('what real cosign wrote', () => {
  it.each(['release', 'p384', 'rsa', 'ed25519'])(
    'over a manifest with the key %s is verified, and over nothing else',
    (name) => {
      const bundle = readFixture(`messages/${name}.json`);
      const manifest = readFixture('messages/manifest.json');
      const keys = loadCosignKeys([fixturePath(`keys/${name}.pub`)]);
      const about = (bytes: Buffer): SignatureRecord =>
        onlyRecord(openBundle(bundle, bytes, by(keys), { attachedTo: sha256Digest(bytes), source: 'x' }, undefined));
      expect(about(manifest)).toMatchObject({ outcome: 'verified', signer: { name } });
      expect(about(Buffer.concat([manifest, Buffer.from(' ')])).outcome).toBe('invalid');
    },
  );

  it('carries the hint that names the key', () => {
    const [release] = loadCosignKeys([fixturePath('keys/release.pub')]);
    const { blobs } = JSON.parse(readFixture('registry/content.json').toString('utf8')) as { blobs: string[] };
    const texts = blobs.map((blob) => readFixture(`registry/blobs/${blob.slice(7)}`).toString('utf8'));
    const bundles = texts
      .filter((text) => text.includes('dev.sigstore.bundle'))
      .map((text) => JSON.parse(text) as BundleJson);
    const hints = new Set(
      bundles.map(({ verificationMaterial }) => (verificationMaterial.publicKey as { hint: string }).hint),
    );
    expect(hints).toContain(Buffer.from(release?.fingerprint.slice(7) ?? '', 'hex').toString('base64'));
    expect(hints.size).toBe(5);
  });
});
