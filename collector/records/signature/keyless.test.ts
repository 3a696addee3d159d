import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { signStatement, simpleSigningPayload } from '../../../test/support/sign.ts';
import {
  type BundleJson,
  certifiedKey,
  githubIssuer,
  legacyAnnotations,
  type MintRequest,
  type Sigstore,
  startSigstore,
  workflow,
} from '../../../test/support/sigstore.ts';
import { openBundle } from '../attestation/bundle.ts';
import { openEnvelope, parseEnvelope } from '../attestation/envelope.ts';
import type { VerificationStep } from '../papers.ts';
import { sha256Digest } from '../registry/digest.ts';
import { type Trust, type TrustedIdentity, trustOf } from '../trust/trust.ts';
import type { Verdict } from './judge.ts';
import { keyFingerprint } from './keys.ts';
import { materialOfEnvelope, openLegacySignature } from './legacy.ts';

const image = Buffer.from('{"schemaVersion":2,"layers":[]}');
const digest = sha256Digest(image);
const otherDigest = sha256Digest(Buffer.from('other'));
const repository = 'registry.acme.io/team/app';
const spdx = {
  ...signStatement(digest),
  predicateType: 'https://spdx.dev/Document',
  predicate: { spdxVersion: 'SPDX-2.3' },
};

const identity = (change: Partial<TrustedIdentity> = {}): TrustedIdentity => ({
  name: 'acme-release',
  root: undefined,
  issuer: githubIssuer,
  isSubject: (subject) => subject === workflow,
  subjectText: workflow,
  sourceRepository: undefined,
  images: undefined,
  ...change,
});

let acme: Sigstore;
let stranger: Sigstore;
beforeAll(async () => {
  acme = await startSigstore('acme');
  stranger = await startSigstore('stranger');
});
afterEach(() => vi.useRealTimers());

type Log = MintRequest['log'];
const trustIn = (sigstore: Sigstore, log: Log, identities = [identity()]): Trust =>
  trustOf({ roots: [sigstore.root({ tlogThreshold: log === 'none' ? 0 : 1 })], identities });

/** The verdict on what a bundle claims of the image, whatever kind of claim it is. */
function judge(bundle: BundleJson, trust: Trust, attachedTo = digest, bytes: Uint8Array = image): Verdict {
  const [evidence, ...more] = openBundle(
    Buffer.from(JSON.stringify(bundle)),
    bytes,
    { trust, repository },
    { attachedTo, source: 'x' },
    undefined,
  );
  expect(more).toEqual([]);
  if (evidence === undefined || evidence.kind === 'document') throw new Error('no verdict');
  return evidence.kind === 'signature' ? (evidence.record as Verdict) : evidence.verdict;
}

const contents = {
  signature: { statement: signStatement(digest) },
  message: { message: image },
  attestation: { statement: spdx },
} satisfies Record<string, MintRequest['content']>;
type Content = keyof typeof contents;

/** How a good bundle is spoiled, and what has to come of it for each kind of log: outcome and step. */
interface Damage {
  request?: Partial<MintRequest>;
  change?: (bundle: BundleJson) => void | Promise<void>;
  only?: readonly Log[];
  content?: readonly Content[];
  expected: readonly [outcome: Verdict['outcome'], step: VerificationStep | undefined];
  expectedOf?: Partial<Record<Log, readonly [Verdict['outcome'], VerificationStep]>>;
}

const entryOf = (bundle: BundleJson): BundleJson => bundle.verificationMaterial.tlogEntries[0];
const flipped = (base64: string, at = 20): string => {
  const bytes = Buffer.from(base64, 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('base64');
};
const both: readonly Log[] = ['rekor1', 'rekor2'];
const hour = 3_600_000;

const damages: Record<string, Damage> = {
  'nothing spoiled': { expected: ['verified', undefined] },
  'payload altered': {
    content: ['signature', 'attestation'],
    change: (bundle) => {
      const text = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString().replace('"predicate"', '"Predicate"');
      bundle.dsseEnvelope.payload = Buffer.from(text.replace('"Predicate"', ' "predicate"')).toString('base64');
    },
    expected: ['invalid', 'signature'],
  },
  'digest swapped': {
    content: ['message'],
    change: (bundle) => {
      bundle.messageSignature.messageDigest.digest = Buffer.from(otherDigest.slice(7), 'hex').toString('base64');
    },
    expected: ['invalid', 'subject'],
  },
  'signature altered': {
    change: (bundle) => {
      if (bundle.messageSignature) bundle.messageSignature.signature = flipped(bundle.messageSignature.signature);
      else bundle.dsseEnvelope.signatures[0].sig = flipped(bundle.dsseEnvelope.signatures[0].sig);
    },
    expected: ['invalid', 'signature'],
  },
  'certificate of another signature': {
    change: async (bundle) => {
      const other = await acme.mint({ content: contents.message, log: 'none' });
      bundle.verificationMaterial.certificate = other.verificationMaterial.certificate;
    },
    expected: ['invalid', 'signature'],
  },
  'certificate without SCT': { request: { withoutSct: true }, expected: ['invalid', 'SCT'] },
  'certificate altered': {
    change: (bundle) => {
      const { certificate } = bundle.verificationMaterial;
      const der = Buffer.from(certificate.rawBytes, 'base64');
      certificate.rawBytes = flipped(certificate.rawBytes, der.length - 5);
    },
    expected: ['untrusted', 'certificate chain'],
  },
  'certificate expired long before the trusted time': {
    request: { issuedAtUnixMs: Date.now() - 24 * hour },
    expected: ['invalid', 'certificate chain'],
  },
  'certificate issued after the trusted time': {
    request: { issuedAtUnixMs: Date.now() + 24 * hour },
    expected: ['invalid', 'certificate chain'],
  },
  'no trusted time': { request: { withoutTime: true }, expected: ['invalid', 'time stamp'] },
  'time stamp of another signature': {
    only: ['rekor2', 'none'],
    change: async (bundle) => {
      const other = await acme.mint({ content: contents.message, log: 'none' });
      bundle.verificationMaterial.timestampVerificationData = other.verificationMaterial.timestampVerificationData;
    },
    expected: ['invalid', 'time stamp'],
  },
  'time stamp of a strange authority': {
    only: ['rekor2', 'none'],
    change: async (bundle) => {
      const other = await stranger.mint({ content: contents.message, log: 'none' });
      bundle.verificationMaterial.timestampVerificationData = other.verificationMaterial.timestampVerificationData;
    },
    expected: ['invalid', 'time stamp'],
  },
  'time stamp twice': {
    only: ['rekor2', 'none'],
    change: (bundle) => {
      const stamps = bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
      stamps.push(stamps[0]);
    },
    expected: ['invalid', 'time stamp'],
  },
  'no log entry': {
    only: both,
    change: (bundle) => {
      bundle.verificationMaterial.tlogEntries = [];
    },
    expected: ['invalid', 'log'],
    expectedOf: { rekor1: ['invalid', 'time stamp'] },
  },
  'log entry twice': {
    only: both,
    change: (bundle) => void bundle.verificationMaterial.tlogEntries.push(entryOf(bundle)),
    expected: ['invalid', 'log'],
    expectedOf: { rekor1: ['invalid', 'time stamp'] },
  },
  'more log entries than anybody needs': {
    only: both,
    change: (bundle) => {
      bundle.verificationMaterial.tlogEntries = Array.from({ length: 9 }, () => entryOf(bundle));
    },
    expected: ['invalid', 'format'],
  },
  'log entry of another signature': {
    only: both,
    change: async (bundle) => {
      const log = entryOf(bundle).inclusionPromise === undefined ? 'rekor2' : 'rekor1';
      const content = bundle.messageSignature === undefined ? contents.attestation : contents.message;
      bundle.verificationMaterial.tlogEntries = (await acme.mint({ content, log })).verificationMaterial.tlogEntries;
    },
    expected: ['invalid', 'log'],
  },
  'log entry of a strange log': {
    only: both,
    change: (bundle) => {
      entryOf(bundle).logId.keyId = flipped(entryOf(bundle).logId.keyId);
    },
    expected: ['invalid', 'log'],
  },
  'promise of the log altered': {
    only: ['rekor1'],
    change: (bundle) => {
      const { inclusionPromise } = entryOf(bundle);
      inclusionPromise.signedEntryTimestamp = flipped(inclusionPromise.signedEntryTimestamp);
    },
    expected: ['invalid', 'log'],
  },
  'time in the log altered by a minute': {
    only: ['rekor1'],
    change: (bundle) => {
      entryOf(bundle).integratedTime = `${Number(entryOf(bundle).integratedTime) + 60}`;
    },
    expected: ['invalid', 'log'],
  },
  'inclusion proof for another tree': {
    only: both,
    change: (bundle) => void entryOf(bundle).inclusionProof.hashes.push(Buffer.alloc(32).toString('base64')),
    expected: ['invalid', 'log'],
  },
  'checkpoint altered': {
    only: both,
    change: (bundle) => {
      const { checkpoint } = entryOf(bundle).inclusionProof;
      checkpoint.envelope = checkpoint.envelope.replace('\n1\n', '\n2\n');
    },
    expected: ['invalid', 'log'],
  },
  'checkpoint of a strange log': {
    only: both,
    change: async (bundle) => {
      const log = entryOf(bundle).inclusionPromise === undefined ? 'rekor2' : 'rekor1';
      const other = await stranger.mint({ content: contents.message, log });
      entryOf(bundle).inclusionProof.checkpoint = entryOf(other).inclusionProof.checkpoint;
    },
    expected: ['invalid', 'log'],
  },
  'two DSSE signatures': {
    content: ['signature', 'attestation'],
    change: (bundle) => void bundle.dsseEnvelope.signatures.push(bundle.dsseEnvelope.signatures[0]),
    expected: ['invalid', 'format'],
  },
  'payload type altered': {
    content: ['signature', 'attestation'],
    change: (bundle) => {
      bundle.dsseEnvelope.payloadType = 'text/plain';
    },
    expected: ['unknown', 'format'],
  },
};

interface Row {
  damage: string;
  log: Log;
  content: Content;
}
const rows: Row[] = Object.entries(damages).flatMap(([damage, { only, content }]) =>
  (only ?? (['rekor1', 'rekor2', 'none'] as const)).flatMap((log) =>
    (content ?? (['signature', 'message', 'attestation'] as const)).map((kind) => ({ damage, log, content: kind })),
  ),
);

describe('a keyless bundle', () => {
  it.each(rows)('$content, $log: $damage', async ({ damage, log, content }) => {
    const { request = {}, change, expected, expectedOf = {} } = damages[damage] as Damage;
    const bundle = await acme.mint({ content: contents[content], log, ...request });
    await change?.(bundle);
    const verdict = judge(bundle, trustIn(acme, log));
    const [outcome, step] = expectedOf[log] ?? expected;
    expect([verdict.outcome, verdict.failedStep], verdict.reason).toEqual([outcome, step]);
    if (step !== undefined) expect(verdict.reason.startsWith(`${step}: `), verdict.reason).toBe(true);
  });

  it.each(['signature', 'message', 'attestation'] as const)(
    '%s of another image, hung on this one, is invalid',
    async (content) => {
      const bundle = await acme.mint({ content: contents[content], log: 'rekor1' });
      const verdict = judge(bundle, trustIn(acme, 'rekor1'), otherDigest, Buffer.from('other'));
      expect(verdict).toMatchObject({ outcome: 'invalid', failedStep: 'subject' });
      expect(verdict.reason).toContain(`expected ${otherDigest}, found ${digest}`);
    },
  );

  it.each(['0.1', '0.2', '0.3'] as const)('of version %s is verified', async (version) => {
    const bundle = await acme.mint({ content: contents.signature, log: 'rekor1', version });
    expect(judge(bundle, trustIn(acme, 'rekor1')).outcome).toBe('verified');
  });

  it('of an unknown root is untrusted, and of the right one of several verified', async () => {
    const bundle = await acme.mint({ content: contents.signature, log: 'rekor1' });
    const unknown = judge(bundle, trustIn(stranger, 'rekor1'));
    expect(unknown).toMatchObject({ outcome: 'untrusted', failedStep: 'certificate chain' });
    expect(unknown.reason).toContain('expected an authority of stranger');
    const several = trustOf({ roots: [stranger.root(), acme.root()], identities: [identity()] });
    expect(judge(bundle, several)).toMatchObject({
      outcome: 'verified',
      signer: { root: 'acme', identity: 'acme-release' },
    });
    const elsewhere = trustOf({ roots: [stranger.root(), acme.root()], identities: [identity({ root: 'stranger' })] });
    expect(judge(bundle, elsewhere)).toMatchObject({ outcome: 'untrusted', failedStep: 'identity' });
    expect(judge(bundle, trustOf({}))).toMatchObject({ outcome: 'untrusted', failedStep: 'certificate chain' });
  });

  it('needs as many proofs as the root asks', async () => {
    const bundle = await acme.mint({ content: contents.signature, log: 'rekor2' });
    for (const [thresholds, step] of [
      [{ tlogThreshold: 2 }, 'log'],
      [{ timestampThreshold: 2 }, 'time stamp'],
      [{ ctlogThreshold: 2 }, 'SCT'],
    ] as const)
      expect(judge(bundle, trustOf({ roots: [acme.root(thresholds)], identities: [identity()] }))).toMatchObject({
        outcome: 'invalid',
        failedStep: step,
      });
  });

  it('says when it was signed and where it is logged, and what the certificate claims', async () => {
    const claims = { 11: 'github-hosted', 12: 'https://github.com/acme/app', 13: 'ab12', 20: 'push' };
    const bundle = await acme.mint({ content: contents.signature, log: 'rekor1', claims });
    const entry = entryOf(bundle);
    expect(judge(bundle, trustIn(acme, 'rekor1')).signer).toMatchObject({
      kind: 'certificate',
      name: workflow,
      signedAtUnixMs: Number(entry.integratedTime) * 1000,
      logIndex: entry.logIndex,
      certificate: {
        subject: workflow,
        issuer: githubIssuer,
        runnerEnvironment: 'github-hosted',
        sourceRepositoryUri: 'https://github.com/acme/app',
        sourceRepositoryDigest: 'ab12',
        buildTrigger: 'push',
      },
    });
  });

  it('is judged without this machine’s clock, however wrong that is', async () => {
    const bundle = await acme.mint({ content: contents.signature, log: 'rekor1' });
    for (const skewMs of [-10 * 365 * 24 * hour, 10 * 365 * 24 * hour]) {
      vi.setSystemTime(Date.now() + skewMs);
      expect(judge(bundle, trustIn(acme, 'rekor1')).outcome).toBe('verified');
      vi.useRealTimers();
    }
  });
});

describe('an identity', () => {
  const nearMisses = [
    workflow.slice(0, -1),
    workflow.slice(1),
    `${workflow}-evil`,
    `${workflow}/../../evil`,
    `https://evil.example/?${workflow}`,
    workflow.replace('acme/app', 'acme/app-evil'),
    workflow.replace('acme/', 'acme-evil/'),
    workflow.toUpperCase(),
    workflow.replace('github.com', 'githubXcom'),
    `${workflow}\n`,
    'https://github.com/acme',
  ];

  it.each(nearMisses)('is not taken for %j', async (subject) => {
    const bundle = await acme.mint({ content: contents.signature, log: 'none', subject });
    const verdict = judge(bundle, trustIn(acme, 'none'));
    expect(verdict).toMatchObject({ outcome: 'untrusted', failedStep: 'identity' });
    expect(verdict.reason).toContain(JSON.stringify(workflow));
  });

  it.each([
    [{ issuer: `${githubIssuer}.evil.example` }, 'issuer'],
    [{ issuer: githubIssuer.toUpperCase() }, 'issuer'],
    [{ issuer: githubIssuer.slice(0, -4) }, 'issuer'],
  ])('has the issuer compared whole: %j', async (request, word) => {
    const bundle = await acme.mint({ content: contents.signature, log: 'none', ...request });
    const verdict = judge(bundle, trustIn(acme, 'none'));
    expect(verdict).toMatchObject({ outcome: 'untrusted', failedStep: 'identity' });
    expect(verdict.reason).toContain(word);
  });

  it('may be bound to a source repository and to repositories it signs', async () => {
    const claims = { 12: 'https://github.com/acme/app' };
    const bundle = await acme.mint({ content: contents.signature, log: 'none', claims });
    const outcome = (change: Partial<TrustedIdentity>) => judge(bundle, trustIn(acme, 'none', [identity(change)]));
    expect(outcome({ sourceRepository: 'https://github.com/acme/app' }).outcome).toBe('verified');
    expect(outcome({ sourceRepository: 'https://github.com/acme/ap' })).toMatchObject({
      outcome: 'untrusted',
      failedStep: 'identity',
    });
    expect(outcome({ images: ['registry.acme.io/team/*'] }).outcome).toBe('verified');
    expect(outcome({ images: ['registry.acme.io/tea', 'acme.io/team/app'] })).toMatchObject({
      outcome: 'untrusted',
      failedStep: 'identity',
    });
  });
});

describe('a key whose signatures have to be logged', () => {
  it('is verified only with an entry that holds', async () => {
    const bundle = await acme.mint({ content: contents.signature, log: 'rekor1' });
    const key = certifiedKey(bundle);
    const judgeWith = (json: BundleJson, images?: readonly string[]) =>
      judge(
        json,
        trustOf({ keys: [{ name: 'ops', key, fingerprint: keyFingerprint(key), log: acme.root(), images }] }),
      );
    expect(judgeWith(bundle)).toMatchObject({
      outcome: 'verified',
      signer: { name: 'ops', logIndex: entryOf(bundle).logIndex },
    });
    expect(judgeWith(bundle, ['registry.acme.io/other'])).toMatchObject({
      outcome: 'untrusted',
      failedStep: 'identity',
    });
    const unlogged = structuredClone(bundle);
    unlogged.verificationMaterial.tlogEntries = [];
    expect(judgeWith(unlogged)).toMatchObject({ outcome: 'untrusted', failedStep: 'log' });
    const broken = structuredClone(bundle);
    entryOf(broken).inclusionPromise.signedEntryTimestamp = flipped(
      entryOf(broken).inclusionPromise.signedEntryTimestamp,
    );
    expect(judgeWith(broken)).toMatchObject({ outcome: 'invalid', failedStep: 'log' });
  });
});

describe('a keyless legacy signature', () => {
  const payload = simpleSigningPayload(repository, digest);
  const open = (annotations: Record<string, string>, bytes = payload, trust = trustIn(acme, 'rekor1')) =>
    openLegacySignature(bytes, annotations, { trust, repository }, { attachedTo: digest, source: 'x' });

  it('is verified, and invalid when anything of it is altered', async () => {
    const annotations = legacyAnnotations(await acme.mint({ content: { message: payload }, log: 'rekor1' }));
    expect(open(annotations)).toMatchObject({ outcome: 'verified', signer: { name: workflow, root: 'acme' } });
    expect(open(annotations, payload, trustIn(stranger, 'rekor1'))).toMatchObject({
      outcome: 'untrusted',
      failedStep: 'certificate chain',
    });
    const bundle = 'dev.sigstore.cosign/bundle';
    const without = { ...annotations };
    delete without[bundle];
    expect(open(without)).toMatchObject({ outcome: 'invalid', failedStep: 'time stamp' });
    expect(open({ ...annotations, [bundle]: '{}' })).toMatchObject({ outcome: 'invalid', failedStep: 'format' });
    const log = JSON.parse(annotations[bundle] ?? '');
    log.Payload.integratedTime += 60;
    expect(open({ ...annotations, [bundle]: JSON.stringify(log) })).toMatchObject({
      outcome: 'invalid',
      failedStep: 'log',
    });
    const spaced = Buffer.from(payload.toString().replace('{', '{ '));
    expect(open(annotations, spaced)).toMatchObject({ outcome: 'invalid', failedStep: 'signature' });
  });

  it('that is about another image is invalid', async () => {
    const other = simpleSigningPayload(repository, otherDigest);
    const annotations = legacyAnnotations(await acme.mint({ content: { message: other }, log: 'rekor1' }));
    expect(open(annotations, other)).toMatchObject({ outcome: 'invalid', failedStep: 'subject' });
  });

  it('as an attestation is verified too', async () => {
    const bundle = await acme.mint({ content: contents.attestation, log: 'rekor1' });
    const bytes = Buffer.from(JSON.stringify(bundle.dsseEnvelope));
    const openAttestation = (annotations: Record<string, string>, attachedTo = digest) => {
      const envelope = parseEnvelope(bundle.dsseEnvelope);
      const read = () => ({ envelope, material: materialOfEnvelope(annotations, envelope, bytes) });
      return openEnvelope(read, { trust: trustIn(acme, 'rekor1'), repository }, { attachedTo, source: 'x' }, undefined);
    };
    const annotations = legacyAnnotations(bundle);
    expect(openAttestation(annotations)).toMatchObject([{ kind: 'statement', verdict: { outcome: 'verified' } }]);
    expect(openAttestation(annotations, otherDigest)).toMatchObject([
      { kind: 'rejected', verdict: { failedStep: 'subject' } },
    ]);
  });
});
