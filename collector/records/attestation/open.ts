import { type Attachment, papersAt } from '../discovery/attachments.ts';
import { type Problem, toProblem } from '../discovery/problem.ts';
import type { SignatureRecord } from '../papers.ts';
import type { RegistryClient } from '../registry/client.ts';
import {
  bareMediaType,
  cosignArtifactSignature,
  dsseEnvelope,
  inToto,
  mayBeReport,
  notationSignature,
  readableSboms,
  sigstoreBundlePrefix,
  simpleSigning,
  unreadSboms,
} from '../registry/media-types.ts';
import type { Descriptor } from '../registry/oci.ts';
import { repositoryText } from '../registry/reference.ts';
import { invalid, type Judging, type Verdict } from '../signature/judge.ts';
import { materialOfEnvelope, openLegacySignature } from '../signature/legacy.ts';
import { judgeNotation } from '../signature/notation.ts';
import type { Trust } from '../trust/trust.ts';
import { openBundle } from './bundle.ts';
import { openEnvelope, parseEnvelope } from './envelope.ts';
import type { Evidence, Origin } from './evidence.ts';
import { openReport } from './report.ts';
import { openUnsignedStatement } from './unsigned.ts';

export interface OpenOptions {
  client: RegistryClient;
  trust: Trust;
  /** Bytes of the image's manifests and indexes, by digest. */
  subjectBytes: ReadonlyMap<string, Uint8Array>;
  signal: AbortSignal;
}

/** https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md#storage */
const jose = 'application/jose+json';
const mebibyte = 1024 * 1024;
const maxSignaturePayloadBytes = mebibyte;
const maxAttestationBytes = 32 * mebibyte;
const maxSbomBytes = 64 * mebibyte;
const maxReportBytes = 64 * mebibyte;
const maxLayers = 64;

/** Fetches and checks what an attachment carries. Never rejects: what could not be fetched is a problem. */
export async function openAttachment(
  attachment: Attachment,
  options: OpenOptions,
): Promise<{ evidence: Evidence[]; problems: Problem[] }> {
  const evidence: Evidence[] = [];
  const problems: Problem[] = [];
  const origin: Origin = { attachedTo: attachment.attachedTo, source: attachment.source };
  const { manifest, repository } = attachment;
  if (isNotation(attachment) && manifest.layers.length === 0)
    evidence.push(signatureRecord('notation', invalid('its manifest has no signature in it', 'format'), origin));
  if (attachment.place === 'signature-tag' && manifest.layers.length === 0)
    evidence.push(signatureRecord('cosign-legacy', invalid('its manifest has no signature in it', 'format'), origin));
  for (const layer of manifest.layers.slice(0, maxLayers)) {
    try {
      evidence.push(...(await openLayer(attachment, layer, origin, options)));
    } catch (error) {
      const hides = readableSboms.includes(bareMediaType(layer.mediaType))
        ? (['sbom'] as const)
        : papersAt[attachment.place];
      problems.push(
        toProblem(
          error,
          repository.registry,
          `${repositoryText(repository)}: ${attachment.source} could not be read`,
          hides,
        ),
      );
    }
  }
  if (manifest.layers.length > maxLayers)
    problems.push({
      code: 'PAPER_TOO_LARGE',
      host: repository.registry,
      reason: `${attachment.source} has more than ${maxLayers} layers`,
    });
  return { evidence, problems };
}

/** The manifest's artifactType, else its config's media type: https://github.com/opencontainers/image-spec/blob/main/manifest.md */
function manifestType({ manifest }: Attachment): string {
  return bareMediaType(manifest.artifactType ?? manifest.config.mediaType);
}

async function openLayer(
  attachment: Attachment,
  layer: Descriptor,
  origin: Origin,
  options: OpenOptions,
): Promise<Evidence[]> {
  const type = bareMediaType(layer.mediaType);
  const judging: Judging = { trust: options.trust, repository: repositoryText(attachment.repository) };
  const annotations = layer.annotations ?? {};
  const fetch = (maxBytes: number): Promise<Buffer> => fetchLayer(attachment, layer, maxBytes, options);
  if (isNotation(attachment)) return [await openNotation(type, () => fetch(maxSignaturePayloadBytes), origin, judging)];
  if (type === simpleSigning)
    return [
      {
        kind: 'signature',
        record: openLegacySignature(await fetch(maxSignaturePayloadBytes), annotations, judging, origin),
      },
    ];
  if (type.startsWith(sigstoreBundlePrefix)) {
    const hint = attachment.manifest.annotations?.['dev.sigstore.bundle.predicateType'];
    const subject = options.subjectBytes.get(attachment.attachedTo) ?? new Uint8Array();
    return openBundle(await fetch(maxAttestationBytes), subject, judging, origin, hint);
  }
  if (type === dsseEnvelope || type === inToto) {
    const bytes = await fetch(maxAttestationBytes);
    const hint = annotations.predicateType ?? annotations['in-toto.io/predicate-type'] ?? '';
    if (attachment.place === 'buildkit') return openUnsignedStatement(bytes, attachment, origin, hint);
    const read = () => {
      const envelope = parseEnvelope(parseJson(bytes));
      return { envelope, material: materialOfEnvelope(annotations, envelope, bytes) };
    };
    return openEnvelope(read, judging, origin, hint);
  }
  return openOther(attachment, layer, origin, fetch);
}

/** SBOM documents and what is not recognised. */
async function openOther(
  attachment: Attachment,
  layer: Descriptor,
  origin: Origin,
  fetch: (maxBytes: number) => Promise<Buffer>,
): Promise<Evidence[]> {
  const types = [bareMediaType(layer.mediaType), manifestType(attachment)];
  if (types.some((type) => readableSboms.includes(type))) {
    const { subject } = attachment.manifest;
    if (attachment.place === 'referrer' && subject?.digest !== attachment.attachedTo) {
      const reason = `it is about another image: expected ${attachment.attachedTo}, found ${subject?.digest ?? 'no subject'}`;
      return [{ kind: 'rejected', paper: 'sbom', verdict: invalid(reason, 'subject'), origin }];
    }
    const verdict: Verdict = { outcome: 'untrusted', reason: 'the SBOM carries no signature', signer: undefined };
    return [{ kind: 'document', bytes: await fetch(maxSbomBytes), digest: layer.digest, verdict, origin }];
  }
  const unread = types.find((type) => unreadSboms.includes(type));
  if (unread !== undefined) {
    const verdict: Verdict = { outcome: 'unknown', reason: `SBOM format not supported: ${unread}`, signer: undefined };
    return [{ kind: 'rejected', paper: 'sbom', verdict, origin }];
  }
  if (attachment.place === 'referrer' && types.some(mayBeReport))
    return openReport(await fetch(maxReportBytes), layer.digest, attachment.manifest.subject?.digest, origin);
  const claimsSignature = attachment.place === 'signature-tag' || manifestType(attachment) === cosignArtifactSignature;
  return claimsSignature ? [unrecognised(origin)] : [];
}

async function fetchLayer(
  attachment: Attachment,
  layer: Descriptor,
  maxBytes: number,
  options: OpenOptions,
): Promise<Buffer> {
  const blob = await options.client.getBlob(attachment.repository, layer.digest, maxBytes, options.signal);
  if (blob === undefined) throw new Error(`its blob ${layer.digest} is not there`);
  return blob;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Error('the DSSE envelope is no JSON');
  }
}

function unrecognised(origin: Origin): Evidence {
  const reason = 'its signature format is not recognised';
  return signatureRecord('unrecognised', { outcome: 'unknown', reason, signer: undefined }, origin);
}

function isNotation(attachment: Attachment): boolean {
  return manifestType(attachment) === notationSignature;
}

/** Of a COSE envelope it is only said that it is there. */
async function openNotation(
  type: string,
  fetch: () => Promise<Buffer>,
  origin: Origin,
  judging: Judging,
): Promise<Evidence> {
  const verdict: Verdict =
    type === jose
      ? judgeNotation(await fetch(), origin.attachedTo, judging, Date.now())
      : {
          outcome: 'unknown',
          reason: `format: not supported: ${type.slice(0, 100)}`,
          signer: undefined,
          failedStep: 'format',
        };
  return signatureRecord('notation', verdict, origin);
}

function signatureRecord(format: SignatureRecord['format'], verdict: Verdict, origin: Origin): Evidence {
  return { kind: 'signature', record: { format, ...verdict, ...origin } };
}
