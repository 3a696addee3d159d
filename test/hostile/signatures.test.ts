import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { openBundle } from '../../collector/records/attestation/bundle.ts';
import { openEnvelope, parseEnvelope } from '../../collector/records/attestation/envelope.ts';
import type { Evidence } from '../../collector/records/attestation/evidence.ts';
import { sha256Digest } from '../../collector/records/registry/digest.ts';
import type { Judging, Verdict } from '../../collector/records/signature/judge.ts';
import { materialOfEnvelope, openLegacySignature } from '../../collector/records/signature/legacy.ts';
import { judgeNotation } from '../../collector/records/signature/notation.ts';
import { loadNotationStore } from '../../collector/records/trust/notation-store.ts';
import { trustOf } from '../../collector/records/trust/trust.ts';
import { fixturePath, readFixture } from '../support/push-papers.ts';
import { signStatement, simpleSigningPayload } from '../support/sign.ts';
import {
  type BundleJson,
  githubIssuer,
  legacyAnnotations,
  type MintRequest,
  startSigstore,
  workflow,
} from '../support/sigstore.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

const image = Buffer.from('{"schemaVersion":2,"layers":[]}');
const digest = sha256Digest(image);
const origin = { attachedTo: digest, source: 'x' };
const statement = signStatement(digest);
const simple = simpleSigningPayload('registry.acme.io/app', digest);
const logs = ['rekor1', 'rekor2', 'none'] as const;
const bundles = new Map<string, BundleJson>();
let judging: Judging;

beforeAll(async () => {
  const sigstore = await startSigstore('acme');
  const identity = {
    name: 'release',
    root: undefined,
    issuer: githubIssuer,
    isSubject: (subject: string) => subject === workflow,
    subjectText: workflow,
    sourceRepository: undefined,
    images: undefined,
  };
  const roots = [sigstore.root(), sigstore.root({ tlogThreshold: 0 })];
  judging = { trust: trustOf({ roots, identities: [identity] }), repository: 'registry.acme.io/app' };
  const mint = async (name: string, content: MintRequest['content'], log: MintRequest['log']) =>
    void bundles.set(name, await sigstore.mint({ content, log }));
  for (const log of logs) {
    await mint(`DSSE ${log}`, { statement }, log);
    await mint(`message ${log}`, { message: image }, log);
  }
  await mint('legacy', { message: simple }, 'rekor1');
});

const outcomes = (evidence: readonly Evidence[]): string[] =>
  evidence.flatMap((item) =>
    item.kind === 'signature' ? [item.record.outcome] : 'verdict' in item ? [item.verdict.outcome] : [],
  );

/** What is signed and who signed it, decoded: what a mutation must change nothing of to be still verified. */
function meaning(bundle: BundleJson): unknown {
  const { dsseEnvelope, messageSignature, verificationMaterial } = bundle;
  const bytes = (text: unknown): string => Buffer.from(String(text), 'base64').toString('hex');
  return [
    dsseEnvelope && [
      dsseEnvelope.payloadType,
      bytes(dsseEnvelope.payload),
      dsseEnvelope.signatures.map((item: { sig: string }) => bytes(item.sig)),
    ],
    // The digest may be left out, as cosign does with Ed25519 keys; it is that of the image then.
    messageSignature && [
      bytes(messageSignature.signature),
      bytes(messageSignature.messageDigest?.digest ?? createHash('sha256').update(image).digest('base64')),
    ],
    bytes(verificationMaterial.certificate.rawBytes),
  ];
}

/** Still verified only with the same bytes signed by the same certificate, which then is no forgery. */
function assertNoForgery(original: BundleJson, mutated: Buffer): void {
  const evidence = openBundle(mutated, image, judging, origin, undefined);
  if (!outcomes(evidence).includes('verified')) return;
  expect(meaning(JSON.parse(mutated.toString('utf8')))).toEqual(meaning(original));
}

const names = logs.flatMap((log) => [`DSSE ${log}`, `message ${log}`]);

it.each(names)('a bundle that was altered is never taken for another claim: %s', (name) => {
  const original = bundles.get(name);
  expect(outcomes(openBundle(Buffer.from(JSON.stringify(original)), image, judging, origin, undefined))).toEqual([
    'verified',
  ]);
  fc.assert(
    fc.property(mutatedJson(original), (mutated) => assertNoForgery(original, mutated)),
    { numRuns: mutationRuns },
  );
  const bytes = Buffer.from(JSON.stringify(original));
  fc.assert(
    fc.property(mutatedBytes(bytes), (mutated) => assertNoForgery(original, mutated)),
    { numRuns: mutationRuns },
  );
});

it.each(['certificate', 'payload', 'signature', 'log body', 'time stamp'])(
  'a bundle whose %s was altered in its bytes is not verified',
  (part) => {
    const original = bundles.get('DSSE rekor2');
    const holder = (bundle: BundleJson): [BundleJson, string] => {
      const { verificationMaterial, dsseEnvelope } = bundle;
      if (part === 'certificate') return [verificationMaterial.certificate, 'rawBytes'];
      if (part === 'payload') return [dsseEnvelope, 'payload'];
      if (part === 'signature') return [dsseEnvelope.signatures[0], 'sig'];
      if (part === 'log body') return [verificationMaterial.tlogEntries[0], 'canonicalizedBody'];
      return [verificationMaterial.timestampVerificationData.rfc3161Timestamps[0], 'signedTimestamp'];
    };
    const [from, key] = holder(original);
    // Without the root that asks for no log, so that nothing of it can be left out.
    const strict = { ...judging, trust: trustOf({ ...judging.trust, roots: judging.trust.roots.slice(0, 1) }) };
    const property = fc.property(mutatedBytes(Buffer.from(from[key], 'base64')), (mutated) => {
      const bundle = structuredClone(original);
      const [to] = holder(bundle);
      to[key] = mutated.toString('base64');
      const evidence = openBundle(Buffer.from(JSON.stringify(bundle)), image, strict, origin, undefined);
      // What stands behind the end of a DER document belongs to nothing that is signed.
      if (outcomes(evidence).includes('verified')) expect(['certificate', 'time stamp']).toContain(part);
    });
    fc.assert(property, { numRuns: mutationRuns });
  },
);

it('legacy annotations that were altered verify nothing but what was signed', () => {
  const annotations = legacyAnnotations(bundles.get('legacy'));
  expect(openLegacySignature(simple, annotations, judging, origin).outcome).toBe('verified');
  for (const key of Object.keys(annotations)) {
    const property = fc.property(mutatedBytes(Buffer.from(annotations[key] ?? '')), (mutated) => {
      const { outcome } = openLegacySignature(
        simple,
        { ...annotations, [key]: mutated.toString('utf8') },
        judging,
        origin,
      );
      if (outcome === 'verified' && key.endsWith('/signature'))
        expect(Buffer.from(mutated.toString('utf8'), 'base64')).toEqual(Buffer.from(annotations[key] ?? '', 'base64'));
    });
    fc.assert(property, { numRuns: mutationRuns });
  }
  const payloads = fc.property(mutatedBytes(simple), (mutated) => {
    expect(openLegacySignature(mutated, annotations, judging, origin).outcome).not.toBe('verified');
  });
  fc.assert(payloads, { numRuns: mutationRuns });
});

it('a DSSE envelope that was altered verifies nothing but what was signed', () => {
  const { dsseEnvelope } = bundles.get('DSSE rekor1');
  const annotations = legacyAnnotations(bundles.get('DSSE rekor1'));
  const open = (bytes: Buffer): Evidence[] => {
    const read = () => {
      const envelope = parseEnvelope(JSON.parse(bytes.toString('utf8')));
      return { envelope, material: materialOfEnvelope(annotations, envelope, bytes) };
    };
    return openEnvelope(read, judging, origin, undefined);
  };
  expect(outcomes(open(Buffer.from(JSON.stringify(dsseEnvelope))))).toEqual(['verified']);
  const property = fc.property(
    fc.oneof(mutatedJson(dsseEnvelope), mutatedBytes(Buffer.from(JSON.stringify(dsseEnvelope)))),
    (mutated) => {
      if (!outcomes(open(mutated)).includes('verified')) return;
      const { payload } = JSON.parse(mutated.toString('utf8'));
      expect(Buffer.from(payload, 'base64')).toEqual(Buffer.from(dsseEnvelope.payload, 'base64'));
    },
  );
  fc.assert(property, { numRuns: 2 * mutationRuns });
});

it.each(['es256', 'ps256', 'es256-expiring'])(
  'a Notation envelope that was altered verifies nothing but what was signed: %s',
  (name) => {
    const store = loadNotationStore({
      name: 'acme',
      caFiles: [fixturePath('notation/acme-ca.pem')],
      identities: ['*'],
      images: undefined,
    });
    const notary = { trust: trustOf({ notation: [store] }), repository: 'registry.acme.io/app' };
    const subject = sha256Digest(readFixture('notation/manifest.json'));
    const now = Date.parse('2026-11-25T00:00:00Z');
    const original = readFixture(`notation/${name}.jws.json`);
    const open = (bytes: Uint8Array): Verdict => judgeNotation(bytes, subject, notary, now);
    expect(open(original).outcome).toBe('verified');
    const json = JSON.parse(original.toString());
    const property = fc.property(fc.oneof(mutatedJson(json), mutatedBytes(original)), (mutated) => {
      if (open(mutated).outcome !== 'verified') return;
      const { payload, protected: head } = JSON.parse(mutated.toString('utf8'));
      expect([payload, head]).toEqual([json.payload, json.protected]);
    });
    fc.assert(property, { numRuns: 2 * mutationRuns });
  },
);
