import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Ownership, Papers } from '../records/papers.ts';
import type { ImageVulnerability } from '../records/vulnerability/model.ts';

export type SeverityWord = 'info' | 'low' | 'medium' | 'high' | 'critical';

/** A finding with all that is known about its image. Made by correlate, input of decide. */
export interface CorrelatedFinding {
  finding: Finding;
  node: Node;
  /** Received by the collector, Unix ms. */
  receivedAtUnixMs: number;
  papers: Papers;
  /** Owner of the acting executable; undefined for findings without a process (posture). */
  ownership: Ownership | undefined;
  /** Owner of the script that the acting executable interprets; undefined when it interprets none. */
  script?: Ownership | undefined;
  /** Of the acting executable's package, the most urgent first; undefined when they, or the package, are not known. */
  vulnerabilities?: readonly ImageVulnerability[] | undefined;
}

export interface Reason {
  /** "image is not signed" */
  text: string;
  /** What it adds to or takes from the score. */
  points: number;
}

export interface Decision {
  action: 'alert' | 'record' | 'ignore';
  severity: SeverityWord;
  /** 0…100 */
  score: number;
  /** In the order they were applied; the first is the rule's own severity. */
  reasons: readonly Reason[];
  /** "<name>@<first 12 of the SHA-256 of the policy file>" */
  policyVersion: string;
}

/** The published decision. Everything a sink needs, and nothing it would have to look up. */
export interface Alert {
  /** The finding's id: publishing twice is recognised by it. */
  alertId: string;
  cluster: string;
  /** Kubernetes namespace, or "docker". */
  namespace: string;
  createdAtUnixMs: number;
  correlated: CorrelatedFinding;
  decision: Decision;
  /** Hex ids of the trace and the alert span, computed, not random. */
  traceId: string;
  spanId: string;
}
