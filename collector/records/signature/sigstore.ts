import type { X509Certificate } from 'node:crypto';
import type { Bundle, TransparencyLogEntry } from '@sigstore/bundle';
import { type SignedEntity, toSignedEntity, VerificationError, Verifier } from '@sigstore/verify';
import type { Signer, VerificationStep } from '../papers.ts';
import type { TrustRoot } from '../trust/trust-root.ts';
import { isCheapDer } from './der-budget.ts';
import { invalid, type SignedBytes, type Verdict } from './judge.ts';
import { isSignedBy } from './verify-key.ts';

/** What the verified material proves beyond who signed. */
export type Proof = Pick<Signer, 'signedAtUnixMs' | 'logIndex'>;
export type Verification = { failure: Verdict; proof?: never } | { failure?: never; proof: Proof };

const maxProofs = 8;
const maxCheckpointCharacters = 16 * 1024;

/**
 * Verifies a signature with a certificate against a root (https://docs.sigstore.dev/logging/verify-release/, in this order):
 * trusted times, certificate chain at those, SCT, log entries, signature. Any throw is a failure.
 */
export function verifySigstore(item: SignedBytes, root: TrustRoot, certificate: X509Certificate): Verification {
  const { bundle, logKeys } = item.material;
  if (bundle === undefined) return { failure: invalid('it has nothing that proves the certificate', 'format') };
  const excess = excessOf(bundle);
  if (excess !== undefined) return { failure: invalid(excess, 'format') };
  const outcome = run(bundle, item, root);
  if (outcome.failure !== undefined)
    return outcome.failure.failedStep === 'certificate chain'
      ? {
          failure: {
            ...outcome.failure,
            reason: `${outcome.failure.reason}; ${chainFacts(certificate, bundle, root)}`,
          },
        }
      : outcome;
  const der = certificate.publicKey.export({ type: 'spki', format: 'der' });
  if (logKeys.length > 0 && !logKeys.some((key) => key.export({ type: 'spki', format: 'der' }).equals(der)))
    return { failure: invalid('the log entry names another key than the certificate', 'log') };
  return outcome;
}

/** As verifySigstore, for a signature of a key: only what its log entries prove. */
export function verifyLogEntries(item: SignedBytes, root: TrustRoot): Verification {
  const { bundle } = item.material;
  if (bundle === undefined)
    return { failure: invalid(`expected an entry in the log of ${root.name}, found none`, 'log') };
  const excess = excessOf(bundle);
  return excess === undefined ? run(bundle, item, root, 0) : { failure: invalid(excess, 'format') };
}

function run(
  bundle: Bundle,
  item: SignedBytes,
  root: TrustRoot,
  timestampThreshold = root.timestampThreshold,
): Verification {
  let entity: SignedEntity;
  try {
    entity = entityOf(bundle, item);
  } catch {
    return { failure: invalid('its RFC 3161 time stamp is malformed', 'time stamp') };
  }
  try {
    const { material, tlogThreshold, ctlogThreshold } = root;
    new Verifier(material, { tlogThreshold, ctlogThreshold, timestampThreshold }).verify(entity);
  } catch (error) {
    return { failure: toFailure(error, root) };
  }
  return { proof: proofOf(entity) };
}

/**
 * The bundle as the verifier wants it, with signatures checked in all the ways cosign makes them. The bytes that time stamps
 * are about differ in cosign's legacy attestations. Throws when a time stamp cannot be read.
 */
function entityOf(bundle: Bundle, { signed, signature, material }: SignedBytes): SignedEntity {
  const entity = toSignedEntity(bundle, Buffer.from(signed));
  const inner = entity.signature;
  for (const stamp of entity.timestamps) if (stamp.$case === 'timestamp-authority') void stamp.timestamp.signingTime;
  return {
    ...entity,
    key: entity.key,
    signature: {
      signature: Buffer.from(material.timestamped ?? signature),
      compareSignature: (other) => other.equals(Buffer.from(signature)),
      compareDigest: (digest) => inner.compareDigest(digest),
      compareSignedDigest: (digest) => inner.compareSignedDigest(digest),
      verifySignature: (key) => isSignedBy(key, signed, signature),
    },
  };
}

function excessOf({ verificationMaterial }: Bundle): string | undefined {
  const { tlogEntries, timestampVerificationData } = verificationMaterial;
  if (tlogEntries.length > maxProofs) return `expected at most ${maxProofs} log entries, found ${tlogEntries.length}`;
  const stamps = timestampVerificationData?.rfc3161Timestamps ?? [];
  if (stamps.length > maxProofs) return `expected at most ${maxProofs} time stamps, found ${stamps.length}`;
  if (!stamps.every(({ signedTimestamp }) => isCheapDer(signedTimestamp)))
    return 'a time stamp is nested more than any authority needs';
  const isHuge = ({ inclusionProof }: TransparencyLogEntry): boolean =>
    (inclusionProof?.hashes.length ?? 0) > 64 ||
    (inclusionProof?.checkpoint?.envelope.length ?? 0) > maxCheckpointCharacters;
  return tlogEntries.some(isHuge) ? 'the inclusion proof of a log entry is larger than any log needs' : undefined;
}

const steps: readonly [prefix: RegExp, step: VerificationStep][] = [
  [/^TIMESTAMP_/, 'time stamp'],
  [/^CERTIFICATE_ERROR .*SCT/, 'SCT'],
  [/^CERTIFICATE_/, 'certificate chain'],
  [/^TLOG_/, 'log'],
  [/^SIGNATURE_/, 'signature'],
];

function toFailure(error: unknown, root: TrustRoot): Verdict {
  if (!(error instanceof VerificationError)) return invalid('its proofs are malformed', 'format');
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const step = steps.find(([prefix]) => prefix.test(`${error.code} ${error.message}`))?.[1] ?? 'format';
  const found = error.message.replace(', got ', `, as root ${root.name} asks, found `);
  const failure = invalid(`${found}${cause}`, step);
  return /unsupported (kind|.*version)/.test(error.message) ? { ...failure, outcome: 'unknown' } : failure;
}

function chainFacts(certificate: X509Certificate, bundle: Bundle, root: TrustRoot): string {
  const times = bundle.verificationMaterial.tlogEntries
    .filter(({ inclusionPromise }) => inclusionPromise !== undefined)
    .map(({ integratedTime }) => isoTime(Number(integratedTime) * 1000));
  const at = times.length === 0 ? 'its time stamp' : times.join(' and ');
  const [from, to] = [certificate.validFromDate, certificate.validToDate].map((date) => isoTime(date.getTime()));
  return `expected a chain to root ${root.name} that was valid at ${at}, found a certificate for ${from} to ${to}`;
}

function proofOf({ timestamps, tlogEntries }: SignedEntity): Proof {
  const times = timestamps.flatMap((item) => {
    if (item.$case === 'timestamp-authority') return [item.timestamp.signingTime.getTime()];
    return item.tlogEntry.inclusionPromise === undefined ? [] : [Number(item.tlogEntry.integratedTime) * 1000];
  });
  return {
    signedAtUnixMs: times.length === 0 ? undefined : Math.min(...times),
    logIndex: tlogEntries[0]?.logIndex,
  };
}

function isoTime(unixMs: number): string {
  const date = new Date(unixMs);
  return Number.isNaN(date.getTime()) ? 'no time' : date.toISOString().replace('.000Z', 'Z');
}
