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

export type SbomFormat = 'spdx-2.3' | 'cyclonedx' | 'syft';

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

export interface ProvenancePaper {
  outcome: Outcome;
  reason: string;
  predicateType: string | undefined;
  builderId: string | undefined;
  sourceUri: string | undefined;
  signer: Signer | undefined;
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
  checkedAtUnixMs: number;
  /** How long this answer may be used. Short when something was absent or unknown: papers come after the push. */
  freshForMs: number;
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
}

export type OwnershipMethod = 'exact' | 'alias' | 'directory' | 'evident' | 'none';
export type Confidence = 'high' | 'medium' | 'low';

/** Which package owns a file of the image. Three different "no"s are kept apart. */
export type Ownership =
  | { state: 'owned'; owners: readonly Component[]; method: OwnershipMethod; confidence: Confidence; path: string }
  /** The SBOM has file ownership and nobody claims this file. */
  | { state: 'unowned'; path: string; reason: string }
  /** The SBOM (or its absence) cannot tell. */
  | { state: 'no-ownership-data'; path: string; reason: string }
  /** The file is not part of the image at all: written at run time, memfd, volume. */
  | { state: 'not-in-image'; path: string; reason: string };

/** An SBOM, read and indexed. Implementations answer `ownerOf` from memory or from SQLite in microseconds. */
export interface SbomIndex {
  readonly format: SbomFormat;
  readonly components: readonly Component[];
  readonly ownedFileCount: number;
  /** `path` is absolute, as the kernel resolved it. */
  ownerOf(path: string): Ownership;
  /** All files that packages claim, with the indexes of these in `components`. */
  ownedFiles(): Iterable<{ path: string; owners: readonly number[] }>;
}

/** The answer of records: papers, and the SBOM they speak of when there is a readable one. */
export interface ImageRecords {
  papers: Papers;
  sbom: SbomIndex | undefined;
  /** The list that `papers.vulnerabilities` counts; undefined while it is not at hand. */
  vulnerabilities?: readonly ImageVulnerability[] | undefined;
}

/** What is kept of an image between look-ups and restarts; the SBOM document is kept as it was fetched, by digest. */
export interface RecordsCache {
  getPapers(key: string): Papers | undefined;
  putPapers(key: string, papers: Papers): void;
  getDocument(digest: string): Uint8Array | undefined;
  putDocument(digest: string, mediaType: string, bytes: Uint8Array): void;
}

/** Finds and verifies the papers of images. Never rejects: what could not be looked up is `unknown` with its reason. */
export interface Records {
  /** From cache while fresh; concurrent questions about one image share one look-up. */
  lookup(image: ImageQuery): Promise<ImageRecords>;
  /** What is known now, without waiting; undefined when nothing is. Starts a look-up when there is none fresh. */
  peek(image: ImageQuery): ImageRecords | undefined;
}
