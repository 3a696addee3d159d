import { createHash } from 'node:crypto';
import { Attribution, Finding, type ImageEvidence, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { SeverityWord } from '../decide/alert.ts';
import type { StoredContainer } from '../store/store.ts';
import type { ImageRule } from './image-rules.ts';

/** Entries of a list that a finding carries; `total` says how many there are. */
export const maxListEntries = 100;
const maxEntryLength = 512;
const maxNamedContainers = 20;

/** A list that is part of the evidence: "packages missing from the SBOM" with its entries. */
export interface EvidenceList {
  /** "missing-from-sbom" */
  name: string;
  entries: readonly string[];
  /** When `entries` is already a part; their number otherwise. */
  total?: number;
}

export interface ImageEvidenceInput {
  /** Facts by name, as text. */
  fields: Readonly<Record<string, string>>;
  lists: readonly EvidenceList[];
}

/** Names the evidence: the same one, in whatever order, is the same finding. */
export function evidenceHashOf(severity: SeverityWord, { fields, lists }: ImageEvidenceInput): string {
  const canonical = [
    severity,
    Object.entries(fields).sort(byName),
    lists
      .map(({ name, entries, total }): [string, unknown] => [name, [[...entries].sort(), total ?? entries.length]])
      .sort(byName),
  ];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, 32);
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const severities: Record<SeverityWord, Severity> = {
  info: Severity.INFO,
  low: Severity.LOW,
  medium: Severity.MEDIUM,
  high: Severity.HIGH,
  critical: Severity.CRITICAL,
};

/** A finding about an image, told with one container that runs it; the others are named in its fields. */
export function makeImageFinding(input: {
  findingId: string;
  rule: ImageRule;
  severity: SeverityWord;
  summary: string;
  remediation: string;
  imageKey: string;
  evidence: ImageEvidenceInput;
  containers: readonly StoredContainer[];
  nowUnixMs: number;
}): Finding {
  const { rule, containers, evidence, imageKey } = input;
  const names = containers.slice(0, maxNamedContainers).map(({ nodeName, container }) => {
    return `${container.name || container.id.slice(0, 12)} on ${nodeName}`;
  });
  return Finding.fromPartial({
    findingId: input.findingId,
    ruleId: rule.id,
    ruleTitle: rule.title,
    ruleVersion: rule.version,
    severity: severities[input.severity],
    summary: input.summary,
    remediation: input.remediation,
    mitre: rule.mitre.map(({ technique, tactic }) => ({
      ...{ techniqueId: technique.id, techniqueName: technique.name },
      ...{ tacticId: tactic.id, tacticName: tactic.name },
    })),
    event: {
      kind: 'image',
      timeUnixNs: BigInt(input.nowUnixMs) * 1_000_000n,
      evidence: { $case: 'image', value: evidenceMessage(imageKey, evidence, containers.length) },
    },
    ancestryComplete: true,
    container: containers[0]?.container,
    attribution: Attribution.COMPLETE,
    dedupeKey: `${rule.id} ${imageKey}`,
    dataComplete: true,
    fields: { ...evidence.fields, 'image.digest': imageKey, 'image.containers': names.join(', ') },
  });
}

function evidenceMessage(digest: string, { lists }: ImageEvidenceInput, containers: number): ImageEvidence {
  return {
    digest,
    containers,
    lists: lists.map(({ name, entries, total }) => ({
      name,
      entries: entries.slice(0, maxListEntries).map((entry) => entry.slice(0, maxEntryLength)),
      total: total ?? entries.length,
    })),
  };
}
