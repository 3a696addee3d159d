import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { initializeCA, initializeCTLog, initializeTLog, initializeTSA } from '@sigstore/mock';
import { type TrustRoot, trustRootOf } from '../../collector/records/trust/trust-root.ts';

/** A sigstore deployment in this process: Fulcio, CT log, Rekor (v1 and v2) and a time stamp authority. */
export interface Sigstore {
  name: string;
  /** Its trusted_root.json; `change` may alter the JSON. */
  trustedRoot(change?: (json: TrustedRootJson) => void): Buffer;
  root(thresholds?: Partial<Thresholds>, change?: (json: TrustedRootJson) => void): TrustRoot;
  mint(request: MintRequest): Promise<BundleJson>;
}

interface Thresholds {
  tlogThreshold: number;
  timestampThreshold: number;
  ctlogThreshold: number;
}

export interface MintRequest {
  content: { statement: object; payloadType?: string } | { message: Uint8Array };
  /** rekor1: hashedrekord or dsse 0.0.1 with promise and proof; rekor2: 0.0.2 and a time stamp; none: a time stamp only. */
  log: 'rekor1' | 'rekor2' | 'none';
  version?: '0.1' | '0.2' | '0.3';
  subject?: string;
  issuer?: string;
  claims?: Readonly<Record<number, string>>;
  /** Without a signed certificate timestamp. */
  withoutSct?: boolean;
  /** Without what proves the time. */
  withoutTime?: boolean;
  /** When the certificate is issued, milliseconds since the epoch; a minute before the other proofs when left out. */
  issuedAtUnixMs?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON that tests damage in every place
export type BundleJson = any;
// biome-ignore lint/suspicious/noExplicitAny: JSON that tests damage in every place
export type TrustedRootJson = any;

export const workflow = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
export const githubIssuer = 'https://token.actions.githubusercontent.com';
export const statementType = 'application/vnd.in-toto+json';

const pair = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const base64 = (bytes: Uint8Array | ArrayBufferView<ArrayBuffer>): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Starts one; two of them have nothing in common. */
export async function startSigstore(name: string): Promise<Sigstore> {
  const [caKeys, ctKeys, logKeys, tsaKeys] = [pair('P-384'), pair('P-256'), pair('P-256'), pair('P-384')];
  const ctlog = await initializeCTLog(ctKeys);
  // One time for all, in whole seconds as time stamp authorities write them: a slow machine must change nothing.
  const started = new Date(Math.floor(Date.now() / 1000) * 1000);
  const tlog = await initializeTLog('https://rekor.test', logKeys, started);
  const tsa = await initializeTSA(tsaKeys, started);
  const anyCa = await initializeCA(caKeys, ctlog);
  // The authority's certificate is made anew with each clock; the key is the same, so one of them speaks for all.
  const rootCertificate = base64(anyCa.rootCertificate);
  const validFor = { start: '2020-01-01T00:00:00Z' };
  const logOf = (key: KeyObject): object => {
    const der = key.export({ type: 'spki', format: 'der' });
    return {
      baseUrl: 'https://rekor.test',
      hashAlgorithm: 'SHA2_256',
      publicKey: { rawBytes: base64(der), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
      logId: { keyId: base64(sha256(der)) },
    };
  };
  const json = (): TrustedRootJson => ({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf(logKeys.publicKey)],
    certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: rootCertificate }] }, validFor }],
    ctlogs: [logOf(ctKeys.publicKey)],
    timestampAuthorities: [
      {
        certChain: {
          certificates: [{ rawBytes: base64(tsa.intCertificate) }, { rawBytes: base64(tsa.rootCertificate) }],
        },
        validFor,
      },
    ],
  });
  const trustedRoot: Sigstore['trustedRoot'] = (change = () => {}) => {
    const document = json();
    change(document);
    return Buffer.from(JSON.stringify(document));
  };
  const stamp = (bytes: Uint8Array) =>
    tsa.timestamp({
      artifactHash: sha256(bytes),
      hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
      nonce: 1,
      policyOID: '1.3.6.1.4.1.57264.2',
      certReq: false,
    });
  const mint = async (request: MintRequest): Promise<BundleJson> => {
    const clock = new Date(request.issuedAtUnixMs ?? started.getTime() - 60_000);
    const ca = await initializeCA(caKeys, request.withoutSct === true ? undefined : ctlog, clock);
    const signer = pair('P-256');
    const certificate = await ca.issueCertificate({
      publicKey: signer.publicKey.export({ type: 'spki', format: 'der' }),
      subjectAltName: request.subject ?? workflow,
      extensions: Object.entries({ 8: request.issuer ?? githubIssuer, ...request.claims }).map(([suffix, value]) => ({
        oid: `1.3.6.1.4.1.57264.1.${suffix}`,
        value,
      })),
    });
    const { content, signed, signature } = signContent(request, signer.privateKey);
    const entries = await logEntries(request, tlog, { ...content, certificate, signed, signature });
    const isStamped = request.log !== 'rekor1' && request.withoutTime !== true;
    const stamps = isStamped ? [{ signedTimestamp: base64(await stamp(signature)) }] : [];
    return toBundle(request.version ?? '0.3', certificate, entries, stamps, content);
  };
  const root: Sigstore['root'] = (thresholds = {}, change = undefined) =>
    trustRootOf(trustedRoot(change), {
      name,
      file: `${name}.json`,
      ...{ tlogThreshold: 1, timestampThreshold: 1, ctlogThreshold: 1, ...thresholds },
    });
  return { name, trustedRoot, root, mint };
}

function signContent({ content }: MintRequest, key: KeyObject) {
  if ('message' in content) {
    const signature = sign('sha256', content.message, key);
    const messageDigest = { algorithm: 'SHA2_256', digest: base64(sha256(content.message)) };
    return {
      signed: content.message,
      signature,
      content: { messageSignature: { messageDigest, signature: base64(signature) } },
    };
  }
  const payload = Buffer.from(JSON.stringify(content.statement));
  const payloadType = content.payloadType ?? statementType;
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  const signed = Buffer.concat([Buffer.from(head), payload]);
  const signature = sign('sha256', signed, key);
  const dsseEnvelope = { payload: base64(payload), payloadType, signatures: [{ sig: base64(signature) }] };
  return { signed, signature, content: { dsseEnvelope } };
}

interface LoggedEntry {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification: { signedEntryTimestamp: string; inclusionProof: { checkpoint: string; rootHash: string } };
}

interface Loggable {
  dsseEnvelope?: { payload: string };
  certificate: ArrayBufferView<ArrayBuffer>;
  signed: Uint8Array;
  signature: Buffer;
}

/** What the log takes in: https://github.com/sigstore/rekor/tree/main/pkg/types */
async function logEntries(
  request: MintRequest,
  tlog: Awaited<ReturnType<typeof initializeTLog>>,
  { dsseEnvelope, certificate, signed, signature }: Loggable,
): Promise<object[]> {
  if (request.log === 'none') return [];
  const der = base64(certificate);
  const pem = Buffer.from(new X509Certificate(Buffer.from(der, 'base64')).toString()).toString('base64');
  if (request.log === 'rekor2') {
    const verifier = { x509Certificate: { rawBytes: der }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
    const payload = Buffer.from(dsseEnvelope?.payload ?? '', 'base64');
    const spec =
      dsseEnvelope === undefined
        ? {
            hashedRekordV002: {
              data: { algorithm: 'SHA2_256', digest: base64(sha256(signed)) },
              signature: { content: base64(signature), verifier },
            },
          }
        : {
            dsseV002: {
              payloadHash: { algorithm: 'SHA2_256', digest: base64(sha256(payload)) },
              signatures: [{ content: base64(signature), verifier }],
            },
          };
    const kind = dsseEnvelope === undefined ? 'hashedrekord' : 'dsse';
    const entry = await tlog.logV2({ kind, apiVersion: '0.0.2', spec } as never);
    return [
      {
        logIndex: entry.logIndex,
        logId: { keyId: base64(entry.logId?.keyId ?? Buffer.alloc(0)) },
        kindVersion: { kind, version: '0.0.2' },
        integratedTime: '0',
        canonicalizedBody: base64(entry.canonicalizedBody),
        inclusionProof: {
          logIndex: '0',
          treeSize: '1',
          rootHash: base64(entry.inclusionProof?.rootHash ?? Buffer.alloc(0)),
          hashes: [],
          checkpoint: entry.inclusionProof?.checkpoint,
        },
      },
    ];
  }
  const proposed =
    dsseEnvelope === undefined
      ? {
          apiVersion: '0.0.1',
          kind: 'hashedrekord',
          spec: {
            data: { hash: { algorithm: 'sha256', value: sha256(signed).toString('hex') } },
            signature: { content: base64(signature), publicKey: { content: pem } },
          },
        }
      : {
          apiVersion: '0.0.1',
          kind: 'dsse',
          spec: {
            payloadHash: {
              algorithm: 'sha256',
              value: sha256(Buffer.from(dsseEnvelope.payload, 'base64')).toString('hex'),
            },
            signatures: [{ signature: base64(signature), verifier: pem }],
          },
        };
  const [entry] = Object.values((await tlog.log(proposed)) as Record<string, LoggedEntry>);
  if (entry === undefined) throw new Error('the log took nothing in');
  const { verification } = entry;
  return [
    {
      logIndex: `${entry.logIndex}`,
      logId: { keyId: Buffer.from(entry.logID, 'hex').toString('base64') },
      kindVersion: { kind: proposed.kind, version: proposed.apiVersion },
      integratedTime: `${entry.integratedTime}`,
      ...(request.withoutTime === true
        ? {}
        : { inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp } }),
      inclusionProof: {
        logIndex: '0',
        treeSize: '1',
        rootHash: Buffer.from(verification.inclusionProof.rootHash, 'hex').toString('base64'),
        hashes: [],
        checkpoint: { envelope: verification.inclusionProof.checkpoint },
      },
      canonicalizedBody: entry.body,
    },
  ];
}

function toBundle(
  version: string,
  certificate: ArrayBufferView<ArrayBuffer>,
  tlogEntries: readonly object[],
  rfc3161Timestamps: readonly object[],
  content: object,
): BundleJson {
  const rawBytes = base64(certificate);
  const mediaType =
    version === '0.3'
      ? 'application/vnd.dev.sigstore.bundle.v0.3+json'
      : `application/vnd.dev.sigstore.bundle+json;version=${version}`;
  return {
    mediaType,
    verificationMaterial: {
      ...(version === '0.3'
        ? { certificate: { rawBytes } }
        : { x509CertificateChain: { certificates: [{ rawBytes }] } }),
      tlogEntries,
      timestampVerificationData: { rfc3161Timestamps },
    },
    ...content,
  };
}

/** The key that a bundle's certificate certifies. */
export function certifiedKey(bundle: BundleJson): KeyObject {
  return certificateOf(bundle).publicKey;
}

/** The annotations that cosign 2 would have put on its layer for the same signature: rekor1 only. */
export function legacyAnnotations(bundle: BundleJson): Record<string, string> {
  const [entry] = bundle.verificationMaterial.tlogEntries;
  const log = {
    SignedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
    Payload: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
    },
  };
  return {
    'dev.sigstore.cosign/certificate': certificateOf(bundle).toString(),
    'dev.sigstore.cosign/bundle': JSON.stringify(log),
    ...(bundle.messageSignature === undefined
      ? {}
      : { 'dev.cosignproject.cosign/signature': bundle.messageSignature.signature }),
  };
}

function certificateOf(bundle: BundleJson): X509Certificate {
  const { certificate, x509CertificateChain } = bundle.verificationMaterial;
  return new X509Certificate(Buffer.from((certificate ?? x509CertificateChain.certificates[0]).rawBytes, 'base64'));
}
