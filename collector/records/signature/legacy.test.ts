import { describe, expect, it } from 'vitest';
import { generateSigningKey, type SigningKey, signBytes, simpleSigningPayload } from '../../../test/support/sign.ts';
import type { SignatureRecord } from '../papers.ts';
import { sha256Digest } from '../registry/digest.ts';
import { trustOf } from '../trust/trust.ts';
import { openLegacySignature } from './legacy.ts';

const key = generateSigningKey();
const stranger = generateSigningKey();
const judging = {
  trust: trustOf({ keys: [{ name: 'team', fingerprint: key.fingerprint, key: key.publicKey }] }),
  repository: 'registry.test/app',
};
const digest = sha256Digest(Buffer.from('{"schemaVersion":2}'));
const origin = { attachedTo: digest, source: 'tag x.sig' };

describe('a legacy signature', () => {
  const annotation = 'dev.cosignproject.cosign/signature';
  const sign = (signer: SigningKey, payload: Buffer): Record<string, string> => ({
    [annotation]: signBytes(signer, payload).toString('base64'),
  });
  const payload = simpleSigningPayload('host/app', digest);
  const judge = (bytes: Buffer, annotations: Record<string, string>): SignatureRecord =>
    openLegacySignature(bytes, annotations, judging, origin);

  it('is verified, untrusted or invalid like any other', () => {
    expect(judge(payload, sign(key, payload)).outcome).toBe('verified');
    expect(judge(payload, sign(stranger, payload)).outcome).toBe('untrusted');
    expect(judge(payload, {})).toMatchObject({
      outcome: 'invalid',
      reason: expect.stringContaining('missing or empty'),
    });
    const other = simpleSigningPayload('host/app', sha256Digest(Buffer.from('other')));
    expect(judge(other, sign(key, other))).toMatchObject({
      outcome: 'invalid',
      reason: expect.stringContaining('another image'),
    });
  });

  it('finds the digest whatever the case of its name, but not twice', () => {
    const upper = Buffer.from(payload.toString().replace('docker-manifest', 'Docker-manifest'));
    expect(judge(upper, sign(key, upper)).outcome).toBe('verified');
    const twice = Buffer.from(
      payload.toString().replace('"image":{', `"image":{"Docker-Manifest-Digest":"${digest}",`),
    );
    expect(judge(twice, sign(key, twice)).outcome).toBe('invalid');
  });

  it.each(['', '{}', 'null', '{"critical":{"type":"atomic container signature","image":{}}}'])(
    'with the payload %j is invalid',
    (text) => {
      expect(judge(Buffer.from(text), sign(key, Buffer.from(text))).outcome).toBe('invalid');
    },
  );
});
