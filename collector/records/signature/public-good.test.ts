import { bundleFromJSON } from '@sigstore/bundle';
import { dsse } from '@sigstore/core';
import { describe, expect, it } from 'vitest';
import { fixturePath, readFixture } from '../../../test/support/push-papers.ts';
import { openBundle } from '../attestation/bundle.ts';
import { loadTrust, trustOf } from '../trust/trust.ts';
import { loadTrustRoot } from '../trust/trust-root.ts';
import { trustSchema } from '../trust/trust-schema.ts';
import { judgeSignature } from './judge.ts';
import { parseCertificate } from './material.ts';

const thresholds = { tlogThreshold: 1, timestampThreshold: 1, ctlogThreshold: 1 };
const root = loadTrustRoot({ name: 'public-good', file: fixturePath('sigstore/public-good.json'), ...thresholds });
const repository = 'registry.acme.io/app';

describe('signatures of the public good deployment of sigstore', () => {
  const attested = 'sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4';
  const open = (identities: object[], attachedTo = attested) => {
    const document = trustSchema.parse({ roots: [{ name: 'public-good', file: 'public-good.json' }], identities });
    const trust = loadTrust(document, fixturePath('sigstore/policy.yaml'), []);
    return openBundle(
      readFixture('sigstore/oci-attestation.sigstore.json'),
      new Uint8Array(),
      { trust, repository },
      { attachedTo, source: 'x' },
      undefined,
    );
  };
  const cody = { name: 'cody', issuer: 'https://github.com/login/oauth', subject: 'cody@soyland.com' };

  it('verify an attestation on an image, made by cosign', () => {
    expect(open([cody])).toMatchObject([
      {
        kind: 'statement',
        verdict: {
          outcome: 'verified',
          signer: { identity: 'cody', logIndex: '175508996', signedAtUnixMs: 1740770291000 },
        },
      },
    ]);
    expect(open([{ ...cody, subject: undefined, subjectPattern: '[a-z]+@soyland[.]com' }])).toMatchObject([
      { verdict: { outcome: 'verified' } },
    ]);
  });

  it.each([
    [{ subject: 'cody@soyland.co' }],
    [{ subject: 'ody@soyland.com' }],
    [{ subject: 'Cody@soyland.com' }],
    [{ subject: undefined, subjectPattern: 'cody@soyland[.]co' }],
    [{ subject: undefined, subjectPattern: '@soyland[.]com' }],
    [{ issuer: 'https://github.com/login' }],
  ])('do not verify it as %j', (change) => {
    expect(open([{ ...cody, ...change }])).toMatchObject([
      { verdict: { outcome: 'untrusted', failedStep: 'identity' } },
    ]);
  });

  it('are evidence of nothing on another image', () => {
    expect(open([cody], `sha256:${'0'.repeat(64)}`)).toEqual([]);
  });

  it('tell what the certificate of a workflow claims', () => {
    const json = JSON.parse(readFixture('sigstore/npm-provenance.sigstore.json').toString());
    const bundle = bundleFromJSON(json);
    const signed = dsse.preAuthEncoding(
      json.dsseEnvelope.payloadType,
      Buffer.from(json.dsseEnvelope.payload, 'base64'),
    );
    const [chain] = json.verificationMaterial.x509CertificateChain.certificates;
    const certificate = parseCertificate(Buffer.from(chain.rawBytes, 'base64'));
    const signature = Buffer.from(json.dsseEnvelope.signatures[0].sig, 'base64');
    const subject = 'https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main';
    const identity = {
      name: 'sigstore-js',
      root: undefined,
      issuer: 'https://token.actions.githubusercontent.com',
      isSubject: (text: string) => text === subject,
      subjectText: subject,
      sourceRepository: 'https://github.com/sigstore/sigstore-js',
      images: undefined,
    };
    const material = { publicKeyHint: undefined, certificate, logKeys: [], bundle };
    const trust = trustOf({ roots: [root], identities: [identity] });
    expect(judgeSignature({ trust, repository }, { signed, signature, material })).toMatchObject({
      outcome: 'verified',
      signer: {
        certificate: {
          runnerEnvironment: 'github-hosted',
          sourceRepositoryUri: 'https://github.com/sigstore/sigstore-js',
          sourceRepositoryRef: 'refs/heads/main',
          buildTrigger: 'push',
          sourceRepositoryVisibility: 'public',
        },
      },
    });
  });

  it('with two DSSE signatures are refused', () => {
    const trust = trustOf({ roots: [root] });
    expect(
      openBundle(
        readFixture('sigstore/dsse-2sigs.sigstore.json'),
        new Uint8Array(),
        { trust, repository },
        { attachedTo: attested, source: 'x' },
        undefined,
      ),
    ).toMatchObject([{ record: { outcome: 'invalid', failedStep: 'format' } }]);
  });
});
