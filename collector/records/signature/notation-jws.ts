import { constants, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** A Notation envelope as far as it is read; nothing in it is believed yet. */
export interface NotationJws {
  algorithm: string;
  signingScheme: string;
  /** Headers that have to be understood, and the plugin ones wherever they are. */
  critical: readonly string[];
  /** Leaf first. */
  chain: readonly X509Certificate[];
  signed: Buffer;
  signature: Buffer;
  subjectDigest: string;
  signingTimeUnixMs: number | undefined;
  expiryUnixMs: number | undefined;
  isTimestamped: boolean;
}

const payloadType = 'application/vnd.cncf.notary.payload.v1+json';
const maxCertificates = 8;
const base64url = z
  .string()
  .min(1)
  .regex(/^[A-Za-z0-9_-]+$/, 'not base64url');
const envelopeSchema = z.strictObject({
  payload: base64url,
  protected: base64url,
  header: z.looseObject({
    x5c: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'not base64')
          .max(64 * 1024),
      )
      .min(1)
      .max(maxCertificates),
    'io.cncf.notary.timestampSignature': z.string().optional(),
  }),
  signature: base64url,
});
const protectedSchema = z.looseObject({
  alg: z.string(),
  cty: z.literal(payloadType),
  crit: z.array(z.string()).min(1).max(32),
  'io.cncf.notary.signingScheme': z.string(),
  'io.cncf.notary.signingTime': z.iso.datetime({ offset: true }).optional(),
  'io.cncf.notary.expiry': z.iso.datetime({ offset: true }).optional(),
});
const payloadSchema = z.object({
  targetArtifact: z.object({ mediaType: z.string(), digest: z.string().max(256), size: z.int().min(0) }),
});

/** Reads the envelope (JWS JSON, flattened). Throws with the place that is wrong. */
export function parseNotationJws(bytes: Uint8Array): NotationJws {
  const envelope = read(envelopeSchema, Buffer.from(bytes), 'the envelope');
  const head = read(protectedSchema, Buffer.from(envelope.protected, 'base64url'), 'the protected header');
  const { targetArtifact } = read(payloadSchema, Buffer.from(envelope.payload, 'base64url'), 'the payload');
  const missing = head.crit.find((name) => !Object.hasOwn(head, name));
  if (missing !== undefined)
    throw new Error(`the critical header ${JSON.stringify(missing.slice(0, 100))} is not there`);
  if (!head.crit.includes('io.cncf.notary.signingScheme')) throw new Error('the signing scheme is not critical');
  const { 'io.cncf.notary.signingTime': signingTime, 'io.cncf.notary.expiry': expiry } = head;
  if (expiry !== undefined && !head.crit.includes('io.cncf.notary.expiry'))
    throw new Error('the expiry is not critical');
  const plugins = Object.keys(head).filter((name) => name.startsWith('io.cncf.notary.verificationPlugin'));
  return {
    algorithm: head.alg.slice(0, 32),
    signingScheme: head['io.cncf.notary.signingScheme'],
    critical: [...plugins, ...head.crit],
    chain: envelope.header.x5c.map((der) => new X509Certificate(Buffer.from(der, 'base64'))),
    signed: Buffer.from(`${envelope.protected}.${envelope.payload}`),
    signature: Buffer.from(envelope.signature, 'base64url'),
    subjectDigest: targetArtifact.digest,
    signingTimeUnixMs: signingTime === undefined ? undefined : Date.parse(signingTime),
    expiryUnixMs: expiry === undefined ? undefined : Date.parse(expiry),
    isTimestamped: envelope.header['io.cncf.notary.timestampSignature'] !== undefined,
  };
}

function read<T>(schema: z.ZodType<T>, bytes: Buffer, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Error(`${what} is no JSON`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`${what} at ${issue?.path.join('.').slice(0, 100) || 'its top'}: ${issue?.message.slice(0, 200)}`);
}

/** The one algorithm that Notation allows for a key; undefined when it allows none. */
export function signatureAlgorithmOf(key: KeyObject): string | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec')
    return { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }[namedCurve ?? ''];
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  return { 2048: 'PS256', 3072: 'PS384', 4096: 'PS512' }[modulusLength ?? 0];
}

/** Whether the key made the signature with the envelope's algorithm (RFC 7518). */
export function isSignedJws({ algorithm, signed, signature }: NotationJws, key: KeyObject): boolean {
  const hash = { '256': 'sha256', '384': 'sha384', '512': 'sha512' }[algorithm.slice(2)];
  if (hash === undefined) return false;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  try {
    return algorithm.startsWith('PS')
      ? verify(hash, signed, { key, ...padding }, signature)
      : verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false;
  }
}
