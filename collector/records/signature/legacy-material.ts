import { bundleFromJSON } from '@sigstore/bundle';
import { z } from 'zod';
import { keysOfLogBody, parseCertificate, type SignerMaterial } from './material.ts';

type Annotations = Readonly<Record<string, string>>;

const logSchema = z.object({
  SignedEntryTimestamp: z.string(),
  Payload: z.object({
    body: z.string(),
    integratedTime: z.int().min(0),
    logIndex: z.int().min(0),
    logID: z.string().regex(/^[0-9a-f]{64}$/i),
  }),
});
const timestampSchema = z.object({ SignedRFC3161Timestamp: z.string() });
const kindSchema = z.object({ kind: z.string(), apiVersion: z.string() });
/** Entries of a bundle that has no proof of inclusion, only the log's promise. */
const promiseBundle = 'application/vnd.dev.sigstore.bundle+json;version=0.1';

/**
 * What cosign's annotations prove of a signer, as the sigstore bundle it would be today: the same certificate, log entry
 * and time stamp around `content` (a bundle's messageSignature or dsseEnvelope). What is there but broken is a problem.
 */
export function materialOfAnnotations(annotations: Annotations, content: object): SignerMaterial {
  const pem = annotations['dev.sigstore.cosign/certificate'] || undefined;
  const certificate = pem === undefined ? undefined : parseCertificate(pem);
  const broken = (what: string): SignerMaterial => ({
    publicKeyHint: undefined,
    certificate,
    logKeys: [],
    bundle: undefined,
    problem: `its annotation dev.sigstore.cosign/${what} is malformed`,
  });
  if (pem !== undefined && certificate === undefined) return broken('certificate');
  const log = parseAnnotation(annotations['dev.sigstore.cosign/bundle'], toLogEntry);
  if (log === 'broken') return broken('bundle');
  const timestamp = parseAnnotation(annotations['dev.sigstore.cosign/rfc3161timestamp'], (json) =>
    timestampSchema.parse(json),
  );
  if (timestamp === 'broken') return broken('rfc3161timestamp');
  const verificationMaterial = {
    ...(certificate === undefined
      ? { publicKey: { hint: '' } }
      : { x509CertificateChain: { certificates: [{ rawBytes: certificate.raw.toString('base64') }] } }),
    tlogEntries: log === undefined ? [] : [log.entry],
    timestampVerificationData: {
      rfc3161Timestamps: timestamp === undefined ? [] : [{ signedTimestamp: timestamp.SignedRFC3161Timestamp }],
    },
  };
  const logKeys = log === undefined ? [] : keysOfLogBody(log.body);
  try {
    const bundle = bundleFromJSON({ mediaType: promiseBundle, verificationMaterial, ...content });
    return { publicKeyHint: undefined, certificate, logKeys, bundle };
  } catch {
    return { ...broken('bundle'), logKeys };
  }
}

function toLogEntry(json: unknown): { entry: object; body: Buffer } {
  const { SignedEntryTimestamp, Payload } = logSchema.parse(json);
  const body = Buffer.from(Payload.body, 'base64');
  const { kind, apiVersion } = kindSchema.parse(JSON.parse(body.toString('utf8')));
  const entry = {
    logIndex: `${Payload.logIndex}`,
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: `${Payload.integratedTime}`,
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
  return { entry, body };
}

/** Undefined when the annotation is not there, or is `null` as some writers leave it. */
function parseAnnotation<T>(text: string | undefined, parse: (json: unknown) => T): T | 'broken' | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const json: unknown = JSON.parse(text);
    return json === null ? undefined : parse(json);
  } catch {
    return 'broken';
  }
}
