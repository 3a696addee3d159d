import { describe, expect, it } from 'vitest';
import { fixturePath, readFixture } from '../../../test/support/push-papers.ts';
import { sha256Digest } from '../registry/digest.ts';
import { loadNotationStore } from '../trust/notation-store.ts';
import { trustOf } from '../trust/trust.ts';
import type { Verdict } from './judge.ts';
import { judgeNotation } from './notation.ts';

const digest = sha256Digest(readFixture('notation/manifest.json'));
const repository = 'registry.acme.io/app';
const [day, signedAt] = [86_400_000, Date.parse('2026-11-25T00:00:00Z')];
const acme = {
  name: 'acme-pki',
  caFiles: [fixturePath('notation/acme-ca.pem')],
  identities: ['x509.subject: C=DE, O=Acme'],
  images: undefined,
};

function judge(
  bytes: Uint8Array,
  change: Partial<typeof acme> | { images: string[] } = {},
  attachedTo = digest,
  now = signedAt,
): Verdict {
  const trust = trustOf({ notation: [loadNotationStore({ ...acme, ...change })] });
  return judgeNotation(bytes, attachedTo, { trust, repository }, now);
}

const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString());
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const envelope = () => JSON.parse(readFixture('notation/es256.jws.json').toString());
/** The envelope with a header changed; its signature no longer holds, which is looked at after the header. */
const withHeader = (change: Record<string, unknown>): Buffer => {
  const json = envelope();
  return Buffer.from(JSON.stringify({ ...json, protected: encode({ ...decode(json.protected), ...change }) }));
};

describe('a Notation signature', () => {
  it.each(['es256', 'ps256', 'es256-expiring'])('that notation made (%s) is verified', (name) => {
    expect(judge(readFixture(`notation/${name}.jws.json`))).toMatchObject({
      outcome: 'verified',
      signer: { kind: 'certificate', identity: 'acme-pki' },
    });
  });

  it('is unknown without authorities', () => {
    const verdict = judgeNotation(
      readFixture('notation/es256.jws.json'),
      digest,
      { trust: trustOf({}), repository },
      signedAt,
    );
    expect(verdict.outcome).toBe('unknown');
  });

  it.each([
    [
      'another image',
      () => judge(readFixture('notation/es256.jws.json'), {}, `sha256:${'0'.repeat(64)}`),
      'invalid',
      'subject',
    ],
    [
      'a signature past its expiry',
      () => judge(readFixture('notation/es256-expiring.jws.json'), {}, digest, Date.parse('2126-11-01T00:00:00Z')),
      'invalid',
      'time stamp',
    ],
    [
      'certificates past their end',
      () => judge(readFixture('notation/es256.jws.json'), {}, digest, signedAt + 40_000 * day),
      'invalid',
      'time stamp',
    ],
    [
      'certificates before their start',
      () => judge(readFixture('notation/es256.jws.json'), {}, digest, signedAt - 400 * day),
      'invalid',
      'time stamp',
    ],
    [
      'a strange authority',
      () => judge(readFixture('notation/es256.jws.json'), { caFiles: [fixturePath('certificate/signer.crt')] }),
      'untrusted',
      'certificate chain',
    ],
    [
      'another subject',
      () => judge(readFixture('notation/es256.jws.json'), { identities: ['x509.subject: C=DE, O=Acm'] }),
      'untrusted',
      'identity',
    ],
    [
      'a subject in other case',
      () => judge(readFixture('notation/es256.jws.json'), { identities: ['x509.subject: O=ACME'] }),
      'untrusted',
      'identity',
    ],
    [
      'a repository it may not sign',
      () => judge(readFixture('notation/es256.jws.json'), { images: ['registry.acme.io/ap'] }),
      'untrusted',
      'identity',
    ],
    ['an algorithm that is not the key’s', () => judge(withHeader({ alg: 'ES384' })), 'invalid', 'signature'],
    ['no algorithm', () => judge(withHeader({ alg: 'none' })), 'invalid', 'signature'],
    ['an altered header', () => judge(withHeader({ extra: 1 })), 'invalid', 'signature'],
    ['a payload of another type', () => judge(withHeader({ cty: 'text/plain' })), 'invalid', 'format'],
    [
      'a critical header that is not there',
      () => judge(withHeader({ crit: ['io.cncf.notary.signingScheme', 'x'] })),
      'invalid',
      'format',
    ],
    ['a scheme that is not critical', () => judge(withHeader({ crit: ['cty'] })), 'invalid', 'format'],
    [
      'a critical header nobody knows',
      () => judge(withHeader({ crit: ['io.cncf.notary.signingScheme', 'x'], x: 1 })),
      'unknown',
      'format',
    ],
    [
      'a verification plugin',
      () => judge(withHeader({ 'io.cncf.notary.verificationPlugin': 'p' })),
      'unknown',
      'format',
    ],
    [
      'a signing authority',
      () => judge(withHeader({ 'io.cncf.notary.signingScheme': 'notary.x509.signingAuthority' })),
      'unknown',
      'format',
    ],
    ['a COSE envelope', () => judge(readFixture('notation/es256.cose')), 'invalid', 'format'],
  ] as const)('with %s says so', (_what, verdictOf, outcome, step) => {
    const verdict = verdictOf();
    expect([verdict.outcome, verdict.failedStep], verdict.reason).toEqual([outcome, step]);
  });

  it('with an altered payload, another’s certificate or a broken chain is invalid', () => {
    const json = envelope();
    const other = JSON.parse(readFixture('notation/ps256.jws.json').toString());
    const payload = decode(json.payload) as { targetArtifact: object };
    const swapped = encode({ targetArtifact: { ...payload.targetArtifact, digest: `sha256:${'1'.repeat(64)}` } });
    const judged = (change: object) => judge(Buffer.from(JSON.stringify({ ...json, ...change })));
    expect(judged({ payload: swapped })).toMatchObject({ outcome: 'invalid', failedStep: 'signature' });
    expect(judged({ header: other.header })).toMatchObject({ outcome: 'invalid', failedStep: 'signature' });
    const [leaf, authority] = json.header.x5c;
    expect(judged({ header: { x5c: [leaf, leaf, authority] } })).toMatchObject({
      outcome: 'invalid',
      failedStep: 'certificate chain',
    });
    expect(judged({ header: { x5c: [leaf] } })).toMatchObject({ outcome: 'verified' });
  });
});

describe('notation authorities', () => {
  it.each(['O=Acme', 'x509.subject: ', 'x509.subject: O', 'x509.subject: O=a, O=b'])(
    'refuse the identity %j',
    (identity) => {
      expect(() => loadNotationStore({ ...acme, identities: [identity] })).toThrow(/cannot be read/);
    },
  );
});
