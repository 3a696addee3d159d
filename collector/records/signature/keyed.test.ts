import { describe, expect, it } from 'vitest';
import {
  createBundle,
  generateSigningKey,
  type KeyKind,
  type SigningKey,
  signBytes,
  signStatement,
  simpleSigningPayload,
} from '../../../test/support/sign.ts';
import type { BundleJson } from '../../../test/support/sigstore.ts';
import { openBundle } from '../attestation/bundle.ts';
import { sha256Digest } from '../registry/digest.ts';
import { trustOf } from '../trust/trust.ts';
import type { Verdict } from './judge.ts';
import { openLegacySignature } from './legacy.ts';

const image = Buffer.from('{"schemaVersion":2,"layers":[]}');
const digest = sha256Digest(image);
const otherDigest = sha256Digest(Buffer.from('other'));
const repository = 'registry.acme.io/team/app';
const origin = { attachedTo: digest, source: 'x' };

type Format = 'DSSE bundle' | 'message bundle' | 'legacy';
type Damage =
  | 'nothing'
  | 'signed bytes altered'
  | 'signature altered'
  | 'signature missing'
  | 'another image'
  | 'another key'
  | 'out of scope';
const expected: Record<Damage, readonly [Verdict['outcome'], Verdict['failedStep']]> = {
  nothing: ['verified', undefined],
  'signed bytes altered': ['invalid', 'signature'],
  'signature altered': ['invalid', 'signature'],
  'signature missing': ['invalid', 'format'],
  'another image': ['invalid', 'subject'],
  'another key': ['untrusted', 'signature'],
  'out of scope': ['untrusted', 'identity'],
};
/** Without a hint, nothing tells a pinned key's damaged signature from a stranger's. */
const expectedOf: Partial<Record<Format, Partial<typeof expected>>> = {
  legacy: { 'signed bytes altered': ['untrusted', 'signature'], 'signature altered': ['untrusted', 'signature'] },
  'message bundle': { 'signed bytes altered': ['invalid', 'subject'] },
};

const kinds: readonly KeyKind[] = ['p256', 'p384', 'rsa', 'ed25519'];
const keys = new Map(
  kinds.map((kind) => [kind, { pinned: generateSigningKey(kind), other: generateSigningKey(kind) }]),
);
const formats: readonly Format[] = ['DSSE bundle', 'message bundle', 'legacy'];
const rows = kinds.flatMap((kind) =>
  formats.flatMap((format) => (Object.keys(expected) as Damage[]).map((damage) => ({ kind, format, damage }))),
);

const flip = (bytes: Buffer): Buffer => {
  const changed = Buffer.from(bytes);
  const last = changed.length - 1;
  changed[last] = (changed[last] ?? 0) ^ 1;
  return changed;
};

describe('a keyed signature', () => {
  it.each(rows)('$format, $kind, $damage', ({ kind, format, damage }) => {
    const { pinned, other } = keys.get(kind) as { pinned: SigningKey; other: SigningKey };
    const images = damage === 'out of scope' ? ['registry.acme.io/team'] : undefined;
    const trust = trustOf({ keys: [{ name: 'team', fingerprint: pinned.fingerprint, key: pinned.publicKey, images }] });
    const signer = damage === 'another key' ? other : pinned;
    const open = { 'DSSE bundle': openDsse, 'message bundle': openMessage, legacy: openLegacy }[format];
    const verdict = open(signer, damage, { trust, repository });
    const wanted = expectedOf[format]?.[damage] ?? expected[damage];
    expect([verdict.outcome, verdict.failedStep], verdict.reason).toEqual(wanted);
  });
});

type Open = (
  key: SigningKey,
  damage: Damage,
  judging: Parameters<typeof openBundle>[2],
) => Pick<Verdict, 'outcome' | 'reason' | 'failedStep'>;

function bundleVerdict(bundle: BundleJson, bytes: Uint8Array, judging: Parameters<typeof openBundle>[2]) {
  const [evidence] = openBundle(Buffer.from(JSON.stringify(bundle)), bytes, judging, origin, undefined);
  if (evidence?.kind !== 'signature') throw new Error('no signature');
  return evidence.record as Verdict;
}

const openDsse: Open = (key, damage, judging) => {
  const statement = signStatement(damage === 'another image' ? otherDigest : digest);
  const bundle: BundleJson = JSON.parse(createBundle(key, statement).toString());
  const [first] = bundle.dsseEnvelope.signatures;
  if (damage === 'signature altered') first.sig = flip(Buffer.from(first.sig, 'base64')).toString('base64');
  if (damage === 'signature missing') first.sig = '';
  if (damage === 'signed bytes altered')
    bundle.dsseEnvelope.payload = Buffer.from(JSON.stringify({ ...statement, added: 1 })).toString('base64');
  return bundleVerdict(bundle, image, judging);
};

const openMessage: Open = (key, damage, judging) => {
  const bytes = damage === 'another image' ? Buffer.from('other') : image;
  const made = signBytes(key, bytes);
  const signature =
    damage === 'signature altered' ? flip(made) : damage === 'signature missing' ? Buffer.alloc(0) : made;
  const messageDigest = {
    algorithm: 'SHA2_256',
    digest: Buffer.from(sha256Digest(bytes).slice(7), 'hex').toString('base64'),
  };
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: key.hint } },
    messageSignature: { messageDigest, signature: signature.toString('base64') },
  };
  return bundleVerdict(
    bundle,
    damage === 'signed bytes altered' ? Buffer.concat([image, Buffer.from(' ')]) : image,
    judging,
  );
};

const openLegacy: Open = (key, damage, judging) => {
  const payload = simpleSigningPayload(repository, damage === 'another image' ? otherDigest : digest);
  const made = signBytes(key, payload);
  const signature =
    damage === 'signature altered' ? flip(made) : damage === 'signature missing' ? Buffer.alloc(0) : made;
  const bytes = damage === 'signed bytes altered' ? Buffer.from(payload.toString().replace('{', '{ ')) : payload;
  return openLegacySignature(
    bytes,
    { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
    judging,
    origin,
  ) as Verdict;
};
