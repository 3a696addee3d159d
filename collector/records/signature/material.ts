import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import { z } from 'zod';

/** What comes with a signature and says who made it; believed only as far as it can be checked. */
export interface SignerMaterial {
  /** Base64 sha256 of the key's SPKI DER, as cosign writes it; any text from others. */
  publicKeyHint: string | undefined;
  certificate: X509Certificate | undefined;
  /** Keys that transparency log entries name. */
  logKeys: readonly KeyObject[];
  /** All of it as a sigstore bundle, for its verifier; undefined when there is nothing to verify. */
  bundle: Bundle | undefined;
  /** Why the material cannot be read; it is there, but broken. */
  problem?: string | undefined;
  /** What time stamps are about where that is not the signature. */
  timestamped?: Uint8Array | undefined;
}

export const noMaterial: SignerMaterial = {
  publicKeyHint: undefined,
  certificate: undefined,
  logKeys: [],
  bundle: undefined,
};

const verifierSchema = z.object({
  publicKey: z.object({ content: z.string().optional(), rawBytes: z.string().optional() }).optional(),
  x509Certificate: z.object({ rawBytes: z.string() }).optional(),
});
/** The parts of Rekor's hashedrekord, dsse and intoto entries (v1 and v2) that name the verifying key. */
const logBodySchema = z.object({
  spec: z.object({
    publicKey: z.string().optional(),
    signature: z.object({ publicKey: z.object({ content: z.string() }).optional() }).optional(),
    signatures: z.array(z.object({ verifier: z.string().optional() })).optional(),
    content: z
      .object({
        envelope: z.object({ signatures: z.array(z.object({ publicKey: z.string().optional() })) }).optional(),
      })
      .optional(),
    hashedRekordV002: z.object({ signature: z.object({ verifier: verifierSchema }) }).optional(),
    dsseV002: z.object({ signatures: z.array(z.object({ verifier: verifierSchema })) }).optional(),
  }),
});

/** Keys named in the canonicalized body of a log entry; none when it is malformed or of another kind. */
export function keysOfLogBody(body: Uint8Array): KeyObject[] {
  let parsed: z.infer<typeof logBodySchema>;
  try {
    parsed = logBodySchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch {
    return [];
  }
  const { spec } = parsed;
  const pems = [
    spec.publicKey,
    spec.signature?.publicKey?.content,
    ...(spec.signatures ?? []).map(({ verifier }) => verifier),
    ...(spec.content?.envelope?.signatures ?? []).map(({ publicKey }) => publicKey),
  ].filter((pem) => pem !== undefined);
  const verifiers = [spec.hashedRekordV002?.signature, ...(spec.dsseV002?.signatures ?? [])].flatMap((entry) =>
    entry === undefined ? [] : [entry.verifier],
  );
  const raw = verifiers.map((verifier) => verifier.publicKey?.rawBytes ?? verifier.x509Certificate?.rawBytes);
  return [...pems.map(keyOfPem), ...raw.map(keyOfDer)].filter((key) => key !== undefined);
}

function keyOfPem(base64: string): KeyObject | undefined {
  return attempt(() => {
    const pem = Buffer.from(base64, 'base64').toString('utf8');
    return pem.includes('CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  });
}

function keyOfDer(base64: string | undefined): KeyObject | undefined {
  if (base64 === undefined) return undefined;
  const der = Buffer.from(base64, 'base64');
  return (
    attempt(() => createPublicKey({ key: der, format: 'der', type: 'spki' })) ??
    attempt(() => new X509Certificate(der).publicKey)
  );
}

/** PEM text or DER bytes; undefined when it is no certificate. */
export function parseCertificate(source: string | Uint8Array): X509Certificate | undefined {
  return attempt(() => new X509Certificate(source));
}

/** The first subject alternative name, as people know it: a URI or an e-mail address. */
export function certificateName(certificate: X509Certificate): string {
  const first = (certificate.subjectAltName ?? '').split(', ', 1)[0] ?? '';
  const name =
    first.replace(/^(URI|email|DNS|othername):/, '') ||
    String(certificate.subject ?? '')
      .split('\n')
      .join(', ');
  return (name || 'a certificate without name').slice(0, 512);
}

function attempt<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
