import type { SeverityWord } from '../options.ts';
import { severityWords } from '../options.ts';
import { escapeDeep } from './escape-deep.ts';
import { at, booleanAt, listAt, numberAt, textAt, textsAt } from './json-path.ts';
import type { OutcomeWord } from './outcome.ts';
import { outcomeOf } from './outcome.ts';

export interface ProcessView {
  name: string;
  path: string | undefined;
  commandLine: string | undefined;
  pid: number | undefined;
  /** In the container's pid namespace. */
  containerPid: number | undefined;
  user: string | undefined;
  createdUnixMs: number | undefined;
  endedUnixMs: number | undefined;
}

export interface PaperView {
  outcome: OutcomeWord;
  reason: string | undefined;
  signer: string | undefined;
  /** The paper as it was published. */
  data: unknown;
}

export interface OwnershipView {
  /** "owned", "unowned", "no-ownership-data", "not-in-image" */
  state: string;
  purls: string[];
  reason: string | undefined;
  confidence: string | undefined;
  method: string | undefined;
  path: string | undefined;
  /** "sbom", "inventory" */
  source: string | undefined;
}

export interface ReasonView {
  text: string;
  points: number;
}

/** What is shown of an alert. Every string is escaped: it can go to a terminal as it is. */
export interface VulnerabilityView {
  id: string;
  severity: string;
  fixedIn: string | undefined;
  isExploited: boolean;
  isCounted: boolean;
}

export interface AlertView {
  id: string;
  /** It only tells that an alert, whose id this is, has come again. */
  isUpdate: boolean;
  /** How often it has come again, and when last. */
  repeats: number;
  lastSeenUnixMs: number | undefined;
  severity: SeverityWord;
  ruleId: string;
  sentence: string;
  timeUnixMs: number;
  cluster: string | undefined;
  namespace: string | undefined;
  container: string;
  containerId: string | undefined;
  node: string;
  image: string | undefined;
  /** The container's first process first, the acting one last. */
  processes: ProcessView[];
  ancestryComplete: boolean;
  /** "outbound tcp 203.0.113.9:4444 established" */
  network: string | undefined;
  signature: PaperView;
  provenance: PaperView;
  sbom: PaperView;
  /** Undefined for alerts without a process. */
  ownership: OwnershipView | undefined;
  /** Of the script that the program interprets. */
  script: OwnershipView | undefined;
  /** Of all packages of the image. */
  scan: PaperView;
  /** Of the acting program's package, the most urgent first; without those that do not count. */
  vulnerabilities: readonly VulnerabilityView[];
  posture: { level: string | undefined; facts: string[] };
  score: number | undefined;
  reasons: ReasonView[];
  policyVersion: string | undefined;
  dataComplete: boolean | undefined;
  /** What may be missing, in words. */
  dataGaps: string | undefined;
  /** Losses around it that became known after it was published. */
  lateGaps?: number;
  missing: string[];
  /** What was cut from the message to keep it within its bounds. */
  trimmed: string[];
  traceId: string | undefined;
  techniques: string[];
  remediation: string | undefined;
}

/** OCSF: Detection Finding, Update. */
const updateActivity = 2;

/** Reads a published alert (CloudEvent with an OCSF Detection Finding). Throws when it is not one. */
export function alertView(cloudEvent: unknown): AlertView {
  const event = escapeDeep(cloudEvent);
  const data = at(event, 'data');
  const isUpdate = numberAt(data, 'activity_id') === updateActivity;
  const id = isUpdate ? textAt(data, 'finding_info', 'uid') : textAt(event, 'id');
  const ruleId = textAt(data, 'finding_info', 'analytic', 'uid');
  if (id === undefined || ruleId === undefined)
    throw new Error('not a Tallyman alert: it has no id, or no finding_info.analytic.uid in its data');
  const evidence = at(data, 'evidences', 0);
  return {
    id,
    isUpdate,
    repeats: Math.max(0, (numberAt(data, 'count') ?? 1) - 1),
    lastSeenUnixMs: numberAt(data, 'end_time'),
    ruleId,
    severity: severityOf(data),
    sentence: textAt(data, 'finding_info', 'title') ?? textAt(data, 'message') ?? '(no description)',
    timeUnixMs: numberAt(data, 'time') ?? Date.parse(textAt(event, 'time') ?? ''),
    node: textAt(data, 'device', 'hostname') ?? '?',
    processes: processChain(at(evidence, 'process')),
    ancestryComplete: booleanAt(evidence, 'data', 'ancestry_complete') ?? true,
    network: networkOf(evidence),
    traceId: textAt(data, 'unmapped', 'trace', 'uid'),
    techniques: techniquesOf(data),
    remediation: textAt(data, 'remediation', 'desc'),
    dataComplete: booleanAt(evidence, 'data', 'data_complete'),
    dataGaps: textAt(evidence, 'data', 'data_gaps'),
    missing: textsAt(evidence, 'data', 'attribution_missing'),
    trimmed: textsAt(data, 'unmapped', 'trimmed'),
    ...whereOf(data, evidence),
    ...papersOf(data),
    ...decisionOf(data),
  };
}

function severityOf(data: unknown): SeverityWord {
  const id = numberAt(data, 'severity_id') ?? 0;
  return severityWords[Math.min(Math.max(id, 1), 5) - 1] ?? 'info';
}

function whereOf(data: unknown, evidence: unknown) {
  const container = at(evidence, 'container');
  const resource = (type: string): unknown => listAt(data, 'resources').find((item) => textAt(item, 'type') === type);
  const affected = resource('container');
  const id = textAt(container, 'uid') ?? textAt(affected, 'uid');
  const name = textAt(container, 'name') ?? textAt(affected, 'name') ?? id?.slice(0, 12) ?? '?';
  const pod = textAt(resource('pod'), 'name');
  return {
    cluster: textAt(
      listAt(data, 'metadata', 'tags').find((tag) => textAt(tag, 'name') === 'cluster'),
      'value',
    ),
    namespace: textAt(affected, 'namespace'),
    container: pod === undefined ? name : `${pod}/${name}`,
    containerId: id,
    image: imageText(at(container, 'image')) ?? textAt(resource('image'), 'name'),
  };
}

/** "registry.acme.io/checkout@sha256:9f3a1c2d4e5f… (tag 4.2.1)" */
function imageText(image: unknown): string | undefined {
  const name = textAt(image, 'name');
  const digest = textAt(image, 'uid');
  const tag = textAt(image, 'tag');
  const short = digest === undefined || digest === name || digest === 'unknown' ? undefined : shortDigest(digest);
  if (name === undefined) return short;
  return `${name}${short === undefined ? '' : `@${short}`}${tag === undefined ? '' : ` (tag ${tag})`}`;
}

/** "sha256:9f3a1c2d4e5f…"; anything else as it is. */
export function shortDigest(digest: string): string {
  return /^sha\d+:[0-9a-f]{32,}$/.test(digest) ? `${digest.slice(0, digest.indexOf(':') + 13)}…` : digest;
}

const maxAncestors = 64;

function processChain(acting: unknown): ProcessView[] {
  const chain: ProcessView[] = [];
  for (let here = acting; typeof here === 'object' && here !== null && chain.length < maxAncestors; ) {
    const path = textAt(here, 'path') ?? textAt(here, 'file', 'path');
    chain.unshift({
      name: textAt(here, 'name') ?? path?.split('/').at(-1) ?? '?',
      path,
      commandLine: textAt(here, 'cmd_line'),
      pid: numberAt(here, 'pid'),
      containerPid: numberAt(here, 'namespace_pid'),
      user: textAt(here, 'user', 'name') ?? textAt(here, 'user', 'uid'),
      createdUnixMs: numberAt(here, 'created_time'),
      endedUnixMs: numberAt(here, 'terminated_time'),
    });
    here = at(here, 'parent_process');
  }
  return chain;
}

function networkOf(evidence: unknown): string | undefined {
  const endpoint = at(evidence, 'dst_endpoint');
  const address = textAt(endpoint, 'ip') ?? textAt(endpoint, 'name');
  if (address === undefined) return undefined;
  const port = numberAt(endpoint, 'port');
  const shown = address.includes(':') ? `[${address}]` : address;
  const parts = [
    textAt(evidence, 'connection_info', 'direction')?.toLowerCase(),
    textAt(evidence, 'connection_info', 'protocol_name'),
    port === undefined ? shown : `${shown}:${port}`,
    textAt(evidence, 'data', 'network', 'state'),
  ];
  return parts.filter((part) => part !== undefined).join(' ');
}

function enrichment(data: unknown, name: string): { value: string | undefined; data: unknown } {
  const found = listAt(data, 'enrichments').find((item) => textAt(item, 'name') === name);
  return { value: textAt(found, 'value'), data: at(found, 'data') };
}

function paper(data: unknown, name: string): PaperView {
  const { value, data: published } = enrichment(data, name);
  return {
    outcome: outcomeOf(value),
    reason: textAt(published, 'reason'),
    signer: textAt(published, 'signer', 'name'),
    data: published,
  };
}

function papersOf(data: unknown) {
  const owner = enrichment(data, 'process.package');
  const script = enrichment(data, 'process.script_package');
  const posture = enrichment(data, 'container.posture');
  return {
    signature: paper(data, 'image.signature'),
    provenance: paper(data, 'image.provenance'),
    sbom: paper(data, 'image.sbom'),
    scan: paper(data, 'image.vulnerabilities'),
    vulnerabilities: listAt(data, 'vulnerabilities').map(vulnerabilityView),
    ownership: owner.value === undefined ? undefined : ownershipView(owner.value, owner.data),
    script: script.value === undefined ? undefined : ownershipView(script.value, script.data),
    posture: { level: posture.value, facts: textsAt(posture.data, 'facts') },
  };
}

function ownershipView(state: string, data: unknown): OwnershipView {
  return {
    state,
    purls: textsAt(data, 'purls'),
    reason: textAt(data, 'reason'),
    confidence: textAt(data, 'confidence'),
    method: textAt(data, 'method'),
    path: textAt(data, 'path'),
    source: textAt(data, 'source'),
  };
}

function decisionOf(data: unknown) {
  const decision = enrichment(data, 'decision').data;
  const reasons = listAt(decision, 'reasons').map((reason) => ({
    text: textAt(reason, 'text') ?? '?',
    points: numberAt(reason, 'points') ?? 0,
  }));
  return { reasons, score: numberAt(decision, 'score'), policyVersion: textAt(decision, 'policy_version') };
}

function techniquesOf(data: unknown): string[] {
  return listAt(data, 'finding_info', 'attacks').map((attack) =>
    [textAt(attack, 'technique', 'uid'), textAt(attack, 'technique', 'name')].filter((part) => part).join(' '),
  );
}

function vulnerabilityView(found: unknown): VulnerabilityView {
  return {
    id: textAt(found, 'title') ?? '?',
    severity: (textAt(found, 'severity') ?? 'unknown').toLowerCase(),
    fixedIn: textAt(listAt(found, 'affected_packages')[0], 'fixed_in_version'),
    isExploited: booleanAt(found, 'is_exploit_available') === true,
    isCounted: textAt(found, 'desc') === undefined,
  };
}
