/**
 * Makes test/fixtures/papers/certificate: a self-signed certificate that names a workflow, and a bundle made with it about
 * the image `{"schemaVersion":2}`. The private key is thrown away. Usage: certificate.ts (needs openssl)
 */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, fixturePath } from '../../test/support/push-papers.ts';
import { createBundle, signStatement } from '../../test/support/sign.ts';

const work = mkdtempSync(join(tmpdir(), 'tallyman-certificate-'));
const name = 'URI:https://ci.example.com/acme/app/release.yml@refs/tags/v1';
try {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'];
  const files = ['-keyout', join(work, 'key.pem'), '-out', join(work, 'signer.crt')];
  execFileSync('openssl', [...request, '-subj', '/', '-addext', `subjectAltName=critical,${name}`, ...files], {
    stdio: 'ignore',
  });
  const privateKey = createPrivateKey(readFileSync(join(work, 'key.pem')));
  const certificate = new X509Certificate(readFileSync(join(work, 'signer.crt')));
  const key = { privateKey, publicKey: createPublicKey(privateKey), publicKeyPem: '', fingerprint: '', hint: '' };
  const statement = signStatement(digestOf(Buffer.from('{"schemaVersion":2}')));
  const bundle = JSON.parse(createBundle(key, statement).toString('utf8'));
  bundle.verificationMaterial = { certificate: { rawBytes: certificate.raw.toString('base64') } };
  mkdirSync(fixturePath('certificate'), { recursive: true });
  writeFileSync(fixturePath('certificate/signer.crt'), certificate.toString());
  writeFileSync(fixturePath('certificate/bundle.json'), JSON.stringify(bundle));
} finally {
  rmSync(work, { recursive: true, force: true });
}
