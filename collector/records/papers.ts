import type { ContentsIndex, ContentsSource } from './contents/contents.ts';
import type { ImageVulnerability, ReportFormat, VulnerabilitySeverity } from './vulnerability/model.ts';

/** The outcome of checking a paper: five words, never a boolean. */
export type Outcome = 'verified' | 'invalid' | 'untrusted' | 'absent' | 'unknown';

/** What the collector is asked about: an image as a runtime names it. */
export interface ImageQuery {
  /** As the user wrote it: "registry.acme.io/checkout:4.2.1". */
  reference: string;
  /** "repository@sha256:…" */
  repoDigests: readonly string[];
  configDigest: string;
  targetDigest: string;
  /** "linux/amd64" */
  platform: string;
  /** Asked by a person, not for a container: what the reference points to now is what is meant. */
  byName?: boolean;
}

/** The three digests of an image, never mixed up. Undefined: not known. */
export interface ImageIdentity {
  /** Registry host and repository the papers were looked for in, "127.0.0.1:5000/acme/app". */
  repository: string | undefined;
  indexDigest: string | undefined;
  manifestDigest: string | undefined;
  configDigest: string | undefined;
  platform: string | undefined;
}

/**
 * What a Fulcio certificate says of who asked for it and of the build it ran in, each undefined when it is not in there
 * (https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md). Only as true as the certificate is verified.
 */
export interface FulcioClaims {
  /** Subject alternative name: a workflow's URI, an e-mail address, a SPIFFE id. */
  subject: string | undefined;
  /** OIDC issuer that vouched for the subject. */
  issuer: string | undefined;
  buildSignerUri: string | undefined;
  buildSignerDigest: string | undefined;
  /** "github-hosted" or "self-hosted". */
  runnerEnvironment: string | undefined;
  sourceRepositoryUri: string | undefined;
  sourceRepositoryDigest: string | undefined;
  sourceRepositoryRef: string | undefined;
  sourceRepositoryId: string | undefined;
  sourceRepositoryOwnerUri: string | undefined;
  sourceRepositoryOwnerId: string | undefined;
  buildConfigUri: string | undefined;
  buildConfigDigest: string | undefined;
  buildTrigger: string | undefined;
  runInvocationUri: string | undefined;
  sourceRepositoryVisibility: string | undefined;
  deploymentEnvironment: string | undefined;
}

/** Digests of one image that were seen together in a repository ("host:port/name"). */
export interface KnownIdentity {
  repository: string;
  /** Undefined where the manifest was found without an index. */
  indexDigest: string | undefined;
  manifestDigest: string;
  configDigest: string;
  platform: string | undefined;
}

export interface Signer {
  kind: 'key' | 'certificate';
  /** File name of the pinned key, or the certificate's SAN. */
  name: string;
  /** Keys: "sha256:<hex>" over the SPKI DER. */
  keyFingerprint: string | undefined;
  /** Of certificates that sigstore issued; proven only where the paper is verified. */
  certificate?: FulcioClaims | undefined;
  /** Name of the policy's identity, and of the root that issued the certificate. */
  identity?: string | undefined;
  root?: string | undefined;
  /** The first trusted time of the signature (log or time stamp authority). */
  signedAtUnixMs?: number | undefined;
  /** Where the signature's entry is in its transparency log. */
  logIndex?: string | undefined;
}

/** What is checked of a signature, in this order. */
export type VerificationStep =
  | 'format'
  | 'time stamp'
  | 'certificate chain'
  | 'SCT'
  | 'log'
  | 'signature'
  | 'identity'
  | 'subject';

export type SignatureFormat = 'cosign-bundle' | 'cosign-legacy' | 'notation' | 'unrecognised';

/** One signature that was found, with its own outcome. */
export interface SignatureRecord {
  format: SignatureFormat;
  outcome: Outcome;
  /** In words; for rejections, which step failed and what was expected and found. */
  reason: string;
  /** The step that was not passed; undefined when all were, or none could be tried. */
  failedStep?: VerificationStep | undefined;
  signer: Signer | undefined;
  /** The digest the signature hangs on (index or manifest). */
  attachedTo: string;
  /** Where it was found: "referrer sha256:…" or "tag sha256-….sig". */
  source: string;
}

export interface SignaturePaper {
  outcome: Outcome;
  reason: string;
  signer: Signer | undefined;
  records: readonly SignatureRecord[];
}

export type SbomFormat = 'spdx-2.3' | 'spdx-3.0' | 'cyclonedx' | 'syft';

export interface SbomPaper {
  /** verified: carried by an attestation a pinned key signed; untrusted: found, but unsigned or signed by another. */
  outcome: Outcome;
  reason: string;
  format: SbomFormat | undefined;
  /** "syft 1.x" */
  generator: string | undefined;
  createdAt: string | undefined;
  componentCount: number;
  /** 0 when the document has no file ownership. */
  ownedFileCount: number;
  documentDigest: string | undefined;
  attachedTo: string | undefined;
  source: string | undefined;
  signer: Signer | undefined;
}

export type ClauseName =
  | 'builder'
  | 'source'
  | 'ref'
  | 'workflow'
  | 'runner'
  | 'build type'
  | 'parameters'
  | 'registry'
  | 'pinned';

/** One expectation on an image, judged by itself. */
export interface Clause {
  name: ClauseName;
  /** verified: a proof shows it; unknown: nothing is expected, or it could not be looked at. */
  outcome: Outcome;
  /** "https://github.com/acme/app, from certificate OID .12", "expected …, found …, from …". */
  reason: string;
  found: string | undefined;
  /** Patterns of the policy; empty: no expectation. */
  expected: readonly string[];
  /** Where `found` was read: "certificate OID .12", "predicate buildDefinition.externalParameters.workflow.repository". */
  evidence: string | undefined;
}

export interface ProvenanceDependency {
  uri: string;
  /** "sha256:…", "gitCommit:…", "sha1:…" */
  digest: string | undefined;
}

/** What a SLSA provenance says, v1 and v0.2 in the same words. Claims, as true as who signed them is honest. */
export interface ProvenanceClaim {
  builderId: string | undefined;
  buildType: string | undefined;
  /** As written; see sourceLocation for the spelling that is compared. */
  sourceUri: string | undefined;
  /** The field `sourceUri` is from. */
  sourceField: string | undefined;
  ref: string | undefined;
  commit: string | undefined;
  /** ".github/workflows/release.yml" */
  workflow: string | undefined;
  /** "github-hosted", "self-hosted" */
  runnerEnvironment: string | undefined;
  /** "push" */
  trigger: string | undefined;
  invocationId: string | undefined;
  /** ISO times. */
  startedAt: string | undefined;
  finishedAt: string | undefined;
  /** Whether the builder says that it told all; undefined: it does not say. */
  completeness: {
    parameters: boolean | undefined;
    environment: boolean | undefined;
    materials: boolean | undefined;
    hermetic: boolean | undefined;
  };
  /** Container images first, 100 at most. */
  dependencies: readonly ProvenanceDependency[];
  dependencyCount: number;
  /** What BuildKit's client says of its checkout; nobody checked it. */
  clientVcs: { source: string | undefined; revision: string | undefined } | undefined;
  /** `sourceUri` is only what BuildKit's client says. */
  isClientSource: boolean;
  /** External parameters that the build type does not list; undefined: not known what it lists. */
  unrecognisedParameters: readonly string[] | undefined;
  /** What has to be known of builder ids of this build type. */
  builderNote: string | undefined;
}

/** One provenance that was found, with its own outcome. */
export interface ProvenanceRecord {
  /** The outcome of its signature and its expected clauses together. */
  outcome: Outcome;
  reason: string;
  predicateType: string | undefined;
  claim: ProvenanceClaim | undefined;
  clauses: readonly Clause[];
  signer: Signer | undefined;
  attachedTo: string;
  source: string;
}

export interface ProvenancePaper {
  outcome: Outcome;
  reason: string;
  predicateType: string | undefined;
  builderId: string | undefined;
  sourceUri: string | undefined;
  signer: Signer | undefined;
  /** Of the record that is shown. */
  clauses?: readonly Clause[];
  claim?: ProvenanceClaim | undefined;
  /** All that were found, the one that is shown first; 16 at most. */
  records?: readonly ProvenanceRecord[];
}

/** The image this one was built on. */
export interface BasePaper {
  /** verified: approved, and its layers are the lowest of the image; untrusted: not so; invalid: what is claimed is not true. */
  outcome: Outcome;
  reason: string;
  /** How it was found: its layers compared, or only claimed by annotations or provenance. */
  method: 'layers' | 'annotation' | 'provenance' | undefined;
  /** Everything that has these layers: "docker.io/library/debian:12-slim". */
  names: readonly string[];
  /** Manifest or index digest. */
  digest: string | undefined;
  /** Layers it brings. */
  layerCount: number | undefined;
  /** ISO time of its config. */
  createdAt: string | undefined;
  /** The newest image that is known under the same name. */
  newestCreatedAt: string | undefined;
}

/** Where vulnerabilities are known from: a scan report, or advisories compared with the packages of the image. */
export interface VulnerabilitySource {
  kind: 'report' | 'advisories';
  /** "grype 0.110.0" */
  name: string;
  format: ReportFormat | 'osv';
  outcome: Outcome;
  reason: string;
  /** The format leaves out what others tell. */
  isLossy: boolean;
  /** How old what it knows is, ISO 8601: of the database, else of the scan. Undefined: not told. */
  dataDate: string | undefined;
  /** Too old, or of unknown age: that it lists nothing says nothing. */
  isStale: boolean;
  matchCount: number;
  source: string;
  attachedTo: string | undefined;
  signer: Signer | undefined;
}

/** A VEX document that was found, and whether its author is believed. */
export interface VexSource {
  author: string;
  outcome: Outcome;
  reason: string;
  isApplied: boolean;
  statementCount: number;
  source: string;
  signer: Signer | undefined;
}

export interface VulnerabilityPaper {
  /** Of the best source. `absent`: nobody looked; never that there are none. */
  outcome: Outcome;
  reason: string;
  /** Only with `current` do counts of zero mean that nothing is known. */
  freshness: 'current' | 'stale' | 'none';
  /** Without those that are suppressed. */
  counts: Readonly<Record<VulnerabilitySeverity, number>>;
  total: number;
  fixable: number;
  knownExploited: number;
  suppressed: number;
  sources: readonly VulnerabilitySource[];
  vex: readonly VexSource[];
  /** Of the stored list of what reports say. */
  documentDigest: string | undefined;
}

/** All that is known of an image's papers at `checkedAtUnixMs`. */
export interface Papers {
  identity: ImageIdentity;
  signature: SignaturePaper;
  sbom: SbomPaper;
  provenance: ProvenancePaper;
  vulnerabilities: VulnerabilityPaper;
  /** Undefined: the image could not be found. */
  base?: BasePaper | undefined;
  /** Where the image may come from, and how it is named. */
  place?: readonly Clause[];
  checkedAtUnixMs: number;
  /** How long this answer may be used. Short when something was absent or unknown: papers come after the push. */
  freshForMs: number;
  /** Names the set of keys and identities that were trusted; undefined when nothing was checked. */
  trust?: string;
}

export interface Component {
  purl: string;
  name: string;
  version: string;
  /** "deb", "npm"… (the purl type), or the generator's word. */
  type: string;
  /** Source package, for distributions whose advisories name it. */
  sourceName: string | undefined;
  sourceVersion: string | undefined;
  layerDigest: string | undefined;
  /** "amd64", "noarch"… */
  architecture?: string | undefined;
  /** As declared: SPDX expressions or free text. */
  licenses?: readonly string[];
  /** The database or file that it is known from, a path in the image. */
  location?: string | undefined;
}

export type OwnershipMethod = 'exact' | 'alias' | 'directory' | 'evident' | 'hash' | 'none';
export type Confidence = 'high' | 'medium' | 'low';

/** On what an answer about a file rests. */
export interface OwnershipBasis {
  /** As asked. */
  path: string;
  /** Whose word it is; undefined when none was asked. */
  source?: ContentsSource | undefined;
  /** Where the file is after the image's links; undefined when that is `path`, or not known. */
  canonicalPath?: string | undefined;
  /** Diff id of the layer that the file comes from; undefined when not known. */
  layerDigest?: string | undefined;
  /** What the file should hash to: "sha256:…", "md5:…"; undefined when nobody says. */
  declaredDigest?: string | undefined;
}

/** Which package owns a file of the image. Three different "no"s are kept apart. */
export type Ownership =
  | ({
      state: 'owned';
      owners: readonly Component[];
      method: OwnershipMethod;
      confidence: Confidence;
    } & OwnershipBasis)
  /** Files of packages are known, and nobody claims this one. */
  | ({ state: 'unowned'; reason: string } & OwnershipBasis)
  /** What is known of the image, if anything, cannot tell. */
  | ({ state: 'no-ownership-data'; reason: string } & OwnershipBasis)
  /** The file is not part of the image at all: written at run time, memfd, volume, or no such file. */
  | ({ state: 'not-in-image'; reason: string } & OwnershipBasis);

/** The answer of records: papers, and what is known of the image's contents. */
export interface ImageRecords {
  papers: Papers;
  /** The list that `papers.vulnerabilities` counts; undefined while it is not at hand. */
  vulnerabilities?: readonly ImageVulnerability[] | undefined;
  /** What the SBOM of the papers says, when there is a readable one. */
  sbom: ContentsIndex | undefined;
  /** What an inventory of the image found, when there was one. */
  inventory?: ContentsIndex | undefined;
}

/** What is kept of an image between look-ups and restarts; the SBOM document is kept as it was fetched, by digest. */
export interface RecordsCache {
  getPapers(key: string): Papers | undefined;
  putPapers(key: string, papers: Papers): void;
  getDocument(digest: string): Uint8Array | undefined;
  putDocument(digest: string, mediaType: string, bytes: Uint8Array): void;
  /** By any of its digests, most recently seen first. */
  findIdentities(digest: string): KnownIdentity[];
  putIdentities(identities: readonly KnownIdentity[]): void;
}

/** Finds and verifies the papers of images. Never rejects: what could not be looked up is `unknown` with its reason. */
export interface Records {
  /** From cache while fresh; concurrent questions about one image share one look-up. */
  lookup(image: ImageQuery): Promise<ImageRecords>;
  /** What is known now, without waiting; undefined when nothing is. Starts a look-up when there is none fresh. */
  peek(image: ImageQuery): ImageRecords | undefined;
}
