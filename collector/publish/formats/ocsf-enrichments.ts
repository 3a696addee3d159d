import type { Posture } from '../../../proto/generated/tallyman/v1/container.ts';
import type { Alert } from '../../decide/alert.ts';
import { assessPosture } from '../../decide/posture-level.ts';
import type { Clause, Ownership, Papers, Signer } from '../../records/papers.ts';
import { showText } from './text.ts';

interface Enrichment {
  name: string;
  /** One word to filter by. */
  value: string;
  type: string;
  provider: string;
  short_desc?: string;
  data: object;
}

/** OCSF `enrichments`: what the collector knows beyond the event, one entry per paper and per judgement. */
export function ocsfEnrichments(alert: Alert): Enrichment[] {
  const { finding, ownership, script } = alert.correlated;
  const posture = finding.container?.posture;
  const assessment = assessPosture(posture);
  return [
    ...paperEnrichments(alert),
    ...(ownership === undefined ? [] : [enrichment('process.package', ownership.state, ownershipData(ownership))]),
    ...(script === undefined ? [] : [enrichment('process.script_package', script.state, ownershipData(script))]),
    enrichment('container.posture', assessment.level, { facts: assessment.facts, ...postureData(posture) }),
    decisionEnrichment(alert),
  ];
}

function enrichment(name: string, value: string, data: object, shortDescription?: string): Enrichment {
  const short = shortDescription === undefined || shortDescription === '' ? undefined : showText(shortDescription, 500);
  return { name, value, type: name.split('.')[0] ?? name, provider: 'tallyman', short_desc: short, data };
}

function paperEnrichments(alert: Alert): Enrichment[] {
  const { finding, papers } = alert.correlated;
  const { signature, sbom, provenance, identity } = papers;
  const checked = { checked_time: papers.checkedAtUnixMs };
  const image = finding.container?.image;
  return [
    enrichment(
      'image.signature',
      signature.outcome,
      {
        reason: signature.reason,
        signer: signerData(signature.signer),
        records: signature.records.map((record) => ({
          format: record.format,
          outcome: record.outcome,
          reason: record.reason,
          signer: signerData(record.signer),
          attached_to: record.attachedTo,
          source: record.source,
        })),
        ...checked,
      },
      signature.reason,
    ),
    enrichment('image.sbom', sbom.outcome, sbomData(alert), sbom.reason),
    enrichment(
      'image.provenance',
      provenance.outcome,
      {
        reason: provenance.reason,
        predicate_type: provenance.predicateType,
        builder_id: provenance.builderId,
        source_uri: provenance.sourceUri,
        commit: provenance.claim?.commit,
        clauses: provenance.clauses?.map(clauseData),
        signer: signerData(provenance.signer),
        ...checked,
      },
      provenance.reason,
    ),
    ...expectationEnrichments(papers),
    enrichment(
      'image.vulnerabilities',
      papers.vulnerabilities.outcome,
      vulnerabilityData(alert),
      papers.vulnerabilities.reason,
    ),
    enrichment('image.identity', image?.reference || 'unknown', {
      repository: identity.repository,
      index_digest: identity.indexDigest,
      manifest_digest: identity.manifestDigest,
      config_digest: identity.configDigest ?? (image?.configDigest || undefined),
      repo_digests: image?.repoDigests ?? [],
      platform: identity.platform ?? (image?.platform || undefined),
    }),
  ];
}

/** What the policy expects of an image beside its papers; nothing where it expects nothing. */
function expectationEnrichments({ base, place = [] }: Papers): Enrichment[] {
  const entries = place.filter(({ expected }) => expected.length > 0);
  const shown = entries.map((clause) =>
    enrichment(`image.${clause.name}`, clause.outcome, clauseData(clause), clause.reason),
  );
  if (base === undefined || base.method === undefined) return shown;
  const { outcome, reason, method, names, digest, createdAt, newestCreatedAt } = base;
  const data = { reason, method, names, digest, created: createdAt, newest_created: newestCreatedAt };
  return [...shown, enrichment('image.base', outcome, data, reason)];
}

function clauseData({ name, outcome, reason, expected, found, evidence }: Clause): object {
  return { name, outcome, reason, expected, found, evidence };
}

function vulnerabilityData(alert: Alert): object {
  const { vulnerabilities: paper, checkedAtUnixMs } = alert.correlated.papers;
  return {
    reason: paper.reason,
    freshness: paper.freshness,
    counts: paper.counts,
    total: paper.total,
    fixable: paper.fixable,
    known_exploited: paper.knownExploited,
    suppressed: paper.suppressed,
    sources: paper.sources.map(({ name, dataDate, outcome, isStale, isLossy }) => ({
      ...{ name, outcome, data_date: dataDate, is_stale: isStale, is_lossy: isLossy },
    })),
    checked_time: checkedAtUnixMs,
  };
}

function sbomData(alert: Alert): object {
  const { sbom, checkedAtUnixMs } = alert.correlated.papers;
  return {
    reason: sbom.reason,
    format: sbom.format,
    generator: sbom.generator,
    created: sbom.createdAt,
    component_count: sbom.componentCount,
    owned_file_count: sbom.ownedFileCount,
    document_digest: sbom.documentDigest,
    attached_to: sbom.attachedTo,
    source: sbom.source,
    signer: signerData(sbom.signer),
    checked_time: checkedAtUnixMs,
  };
}

function signerData(signer: Signer | undefined): object | undefined {
  if (signer === undefined) return undefined;
  return { kind: signer.kind, name: signer.name, key_fingerprint: signer.keyFingerprint };
}

function ownershipData(ownership: Ownership): object {
  const basis = {
    path: ownership.path,
    source: ownership.source,
    canonical_path: ownership.canonicalPath,
    layer_digest: ownership.layerDigest,
    declared_digest: ownership.declaredDigest,
  };
  if (ownership.state !== 'owned') return { ...basis, reason: ownership.reason };
  return {
    ...basis,
    purls: ownership.owners.map((owner) => owner.purl),
    packages: ownership.owners.map((owner) => ({
      purl: owner.purl,
      name: owner.name,
      version: owner.version,
      type: owner.type,
      source_name: owner.sourceName,
      source_version: owner.sourceVersion,
      layer_digest: owner.layerDigest,
    })),
    method: ownership.method,
    confidence: ownership.confidence,
  };
}

function decisionEnrichment({ decision }: Alert): Enrichment {
  return enrichment('decision', decision.severity, {
    action: decision.action,
    score: decision.score,
    policy_version: decision.policyVersion,
    reasons: decision.reasons.map((reason) => ({ text: showText(reason.text), points: reason.points })),
  });
}

/** Names as everywhere in the event's data: the words of the proto file, not of the generated code. */
function postureData(posture: Posture | undefined): object {
  if (posture === undefined) return {};
  return Object.fromEntries(
    Object.entries(posture).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
