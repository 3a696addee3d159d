import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../../../test/support/push-papers.ts';
import { generateSigningKey, type KeyKind, signBytes } from '../../../test/support/sign.ts';
import { keyFingerprint, loadCosignKeys } from './keys.ts';
import { isSignedBy } from './verify-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallyman-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('loadCosignKeys', () => {
  it('reads what cosign wrote, names it after the file, and reads one key once', () => {
    const path = fixturePath('keys/release.pub');
    const keys = loadCosignKeys([path, path]);
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ name: 'release', fingerprint: expect.stringMatching(/^sha256:[a-f0-9]{64}$/) });
  });

  it('reads several keys of one file, of every kind', () => {
    const kinds: KeyKind[] = ['p256', 'p384', 'rsa', 'ed25519'];
    const path = write('team.pem', kinds.map((kind) => generateSigningKey(kind).publicKeyPem).join('\n'));
    expect(loadCosignKeys([path]).map(({ name }) => name)).toEqual(['team', 'team#2', 'team#3', 'team#4']);
  });

  const p256 = generateSigningKey();
  const pkcs8 = p256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' });
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });
  const cosignKey =
    '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n';

  it.each([
    ['private.pem', pkcs8, /it is a private key/],
    ['cosign.key', cosignKey, /encrypted private key/],
    ['empty.pub', '', /it is empty/],
    ['text.pub', 'hello', /no PEM block/],
    ['cert.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /it is a certificate/],
    ['der.pub', p256.publicKey.export({ type: 'spki', format: 'der' }), /DER form/],
    ['cut.pub', p256.publicKeyPem.replace(/.{30}\n/, '\n'), /is no public key/],
    ['small.pub', small, /only 1024 bits/],
    ['koblitz.pub', koblitz, /curve secp256k1/],
  ])('refuses %s and says what to do', (name, content, reason) => {
    const path = write(name, content);
    expect(() => loadCosignKeys([path])).toThrow(reason);
    expect(() => loadCosignKeys([path])).toThrow(path);
    const error = (() => {
      try {
        return loadCosignKeys([path]);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({ code: 'SIGNING_KEY_UNUSABLE', hint: expect.any(String) });
  });

  it('names a file that is not there', () => {
    expect(() => loadCosignKeys([join(folder, 'missing.pub')])).toThrow(/missing\.pub.*ENOENT/);
  });
});

describe('isSignedBy', () => {
  it.each<KeyKind>(['p256', 'p384', 'rsa', 'ed25519'])('accepts what a %s key signed and nothing else', (kind) => {
    const key = generateSigningKey(kind);
    const other = generateSigningKey(kind);
    const signed = Buffer.from('manifest');
    const signature = signBytes(key, signed);
    expect(isSignedBy(key.publicKey, signed, signature)).toBe(true);
    expect(isSignedBy(key.publicKey, Buffer.from('manifest!'), signature)).toBe(false);
    expect(isSignedBy(other.publicKey, signed, signature)).toBe(false);
    expect(isSignedBy(key.publicKey, signed, Buffer.alloc(0))).toBe(false);
    expect(isSignedBy(key.publicKey, signed, Buffer.alloc(4000, 1))).toBe(false);
    expect(keyFingerprint(key.publicKey)).toBe(key.fingerprint);
  });
});
