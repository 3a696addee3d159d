import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import type { AgentStatus, Gap, Item, Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { BaselineStore } from '../baseline/baseline-book.ts';
import type { SeverityWord } from '../decide/alert.ts';
import type { KnownImages } from '../records/base/known-images.ts';
import type { ContentsCache } from '../records/contents/contents-cache.ts';
import type { UploadStore } from '../records/intake/upload.ts';
import type { RecordsCache } from '../records/papers.ts';

/** An alert ready for publication: the bytes every sink and reader gets. */
export interface StoredAlert {
  alertId: string;
  /** When it happened, Unix ms. */
  timeUnixMs: number;
  severity: SeverityWord;
  ruleId: string;
  namespace: string;
  nodeName: string;
  containerId: string;
  imageReference: string;
  /** NATS subject. */
  subject: string;
  /** W3C traceparent. */
  traceparent: string;
  /** The CloudEvent in structured mode, JSON text. */
  cloudEvent: string;
  /** How often it has come again since; undefined when it has not. */
  repeats?: AlertRepeats;
  /** What it was decided from; only where it is handed to the store. */
  source?: Omit<AlertSource, 'revision'>;
}

/** What an alert was decided from, to decide it again. */
export interface AlertSource {
  /** tallyman.v1.Finding and tallyman.v1.Node, encoded. */
  finding: Uint8Array;
  node: Uint8Array;
  receivedAtUnixMs: number;
  /** Of what the papers said, without their wording and times. */
  papersHash: string;
  /** Of severity, score and reasons. */
  decisionHash: string;
  /** How often it was decided again. */
  revision: number;
}

/** An alert that was decided again: how it is from now on, and the event that tells subscribers. */
export interface StoredDecision extends Omit<AlertSource, 'finding' | 'node' | 'receivedAtUnixMs'> {
  alertId: string;
  /** These three in place of the alert's. */
  severity: SeverityWord;
  subject: string;
  cloudEvent: string;
  /** The CloudEvent in structured mode, JSON text. */
  updateEvent: string;
  updateSubject: string;
  /** alert: it was only recorded so far, and is to be published for the first time. none: it is only kept. */
  publish: 'update' | 'alert' | 'none';
}

export interface AlertRepeats {
  /** Without the alert itself. */
  count: number;
  firstUnixMs: number;
  lastUnixMs: number;
}

/** Repeats of an alert, with the event that tells subscribers of them. */
export interface StoredRepeats extends AlertRepeats {
  alertId: string;
  /** The CloudEvent in structured mode, JSON text. */
  updateEvent: string;
  /** False for what is only kept. */
  publish: boolean;
}

export interface AlertFilter {
  severity?: SeverityWord;
  ruleId?: string;
  namespace?: string;
  containerId?: string;
  /** Substring-free: exact reference or repo digest. */
  image?: string;
  sinceUnixMs?: number;
  limit: number;
}

export interface StoredContainer {
  nodeName: string;
  container: Container;
  updatedAtUnixMs: number;
}

/** A batch item that has been stored and not yet been worked on; survives a crash of the collector. */
export interface InboxItem {
  inboxId: number;
  node: Node;
  agentId: string;
  /** When the agent started, by its node's clock. */
  agentEpochUnixNs: bigint;
  item: Item;
  receivedAtUnixMs: number;
}

export type ObservationKind =
  | 'executed'
  | 'capability-used'
  | 'connected'
  | 'listened'
  | 'accepted'
  | 'resolved'
  | 'unix-connected'
  | 'namespace-changed'
  | 'started-with'
  | 'ran-as'
  | 'written-directory'
  | 'root-scanned'
  | 'file-changed';

/** A deduplicated fact about a container, with the times it was reported first and last. */
export interface StoredObservation {
  nodeName: string;
  containerId: string;
  kind: ObservationKind;
  /** The fact's fields as a JSON object with sorted keys; with kind and container it is the identity of the observation. */
  fact: string;
  firstSeenUnixMs: number;
  lastSeenUnixMs: number;
}

/** What was told of an image by a rule, last. */
export interface StoredImageFinding {
  ruleId: string;
  /** See collector/images/image-key.ts. */
  imageKey: string;
  /** Names the evidence: the same evidence is not told twice. */
  evidenceHash: string;
  alertId: string;
  /** False once it no longer holds. */
  open: boolean;
  /** How often it was told of this image. */
  episode: number;
  changedUnixMs: number;
}

/** How far the inventory of an image is. */
export interface InventoryWork {
  /** See collector/images/image-key.ts. */
  imageKey: string;
  state: 'wanted' | 'asked' | 'received' | 'failed';
  /** Who was asked last; empty: nobody yet. */
  agentId: string;
  /** What that agent has to name; empty: nobody was asked. */
  requestId: string;
  attempts: number;
  /** Why it failed last. */
  reason: string;
  /** When it is to be asked (again), or who was asked is given up. */
  dueUnixMs: number;
  changedUnixMs: number;
}

/** Something that is known not to have been seen. */
export interface StoredGap {
  nodeName: string;
  gap: Gap;
  receivedAtUnixMs: number;
}

export interface GapFilter {
  nodeName?: string;
  /** Gaps of this container, and those of which it is not known whose they are. */
  containerId?: string;
  /** Gaps whose window reaches into this one. */
  fromUnixMs?: number;
  toUnixMs?: number;
  limit: number;
}

/** What is known of a node that has an agent. */
export interface StoredNode {
  node: Node;
  agentId: string;
  /** Undefined until the agent has sent one. */
  status: AgentStatus | undefined;
  lastSeenUnixMs: number;
}

/** What `prune` removed. */
export interface Pruned {
  alerts: number;
  /** Of those, how many no sink had confirmed: lost to the outbox. Only when unpublished alerts alone exceed the bound. */
  unpublishedAlerts: number;
  containers: number;
  observations: number;
  papers: number;
  documents: number;
  knownImages: number;
  contents: number;
  identities: number;
  /** Agents' batch numbering of long gone epochs. */
  sources: number;
  nodes: number;
  gaps: number;
  imageFindings: number;
  inventoryWork: number;
}

/** The collector's memory. One implementation per database; all methods are atomic. */
export interface Store extends RecordsCache, ContentsCache, KnownImages, BaselineStore, UploadStore {
  /**
   * Stores a batch and moves the acknowledged sequence in one transaction. Answers the highest contiguous sequence
   * stored for (agentId, epoch); a batch that was stored before changes nothing.
   */
  storeBatch(
    source: { agentId: string; epoch: bigint; node: Node },
    sequence: bigint,
    items: readonly Item[],
    receivedAtUnixMs: number,
  ): bigint;
  /** Whether a document is kept; cheaper than getting it. */
  hasDocument(digest: string): boolean;
  acknowledgedSequence(agentId: string, epoch: bigint): bigint;
  /** Oldest first, items not yet finished, inboxId greater than `afterInboxId`; urgent ones, others, or all. */
  readInbox(afterInboxId: number, limit: number, urgent?: boolean): InboxItem[];
  finishInbox(inboxIds: readonly number[]): void;
  /** Items stored and not finished; cheap enough to ask per batch. */
  inboxSize(): number;

  /** Stores alerts and puts them in the outbox; an alert that exists already is left alone. Answers how many were new. */
  putAlerts(alerts: readonly StoredAlert[]): number;
  getAlert(alertId: string): StoredAlert | undefined;
  /** Newest first. */
  listAlerts(filter: AlertFilter): StoredAlert[];
  /** False when as many or more repeats were known already, or the alert is not. */
  putRepeats(repeats: StoredRepeats): boolean;
  /** Undefined for alerts that are gone, or too large to be decided again. */
  getAlertSource(alertId: string): AlertSource | undefined;
  /** False when the alert is gone, or this revision of it is known already. */
  putDecision(decision: StoredDecision): boolean;
  /** What waits to be published, the worst first: alerts, then updates, which have ids of their own. */
  readOutbox(limit: number): StoredAlert[];
  markPublished(alertIds: readonly string[], publishedAtUnixMs: number): void;
  outboxSize(): number;

  putContainer(nodeName: string, container: Container, updatedAtUnixMs: number): void;
  /** By full id, else by an id prefix that fits one container only. */
  getContainer(idOrPrefix: string): StoredContainer | undefined;
  /** By full id, else by name, else by id prefix; running ones first. More than one answer: the question was ambiguous. */
  findContainers(idOrPrefixOrName: string, limit: number): StoredContainer[];
  listContainers(): StoredContainer[];

  /** Inserts, or moves the last-seen time of what is known. Answers how many were refused because a container had its fill. */
  putObservations(observations: readonly StoredObservation[]): number;
  /** Oldest first. */
  listObservations(nodeName: string, containerId: string): StoredObservation[];

  /** A gap that is there already is left alone. */
  putGap(gap: StoredGap): void;
  /** Newest first. */
  listGaps(filter: GapFilter): StoredGap[];

  getImageFinding(ruleId: string, imageKey: string): StoredImageFinding | undefined;
  /** All rules that told something of the image. */
  listImageFindings(imageKey: string): StoredImageFinding[];
  putImageFinding(finding: StoredImageFinding): void;

  getInventoryWork(imageKey: string): InventoryWork | undefined;
  putInventoryWork(work: InventoryWork): void;
  /** What is not received and due, the longest due first. */
  dueInventoryWork(nowUnixMs: number, limit: number): InventoryWork[];
  /** How many are in each state. */
  countInventoryWork(): Record<InventoryWork['state'], number>;

  /** `status` undefined keeps the status that is stored. */
  putNode(node: Node, agentId: string, status: AgentStatus | undefined, seenAtUnixMs: number): void;
  listNodes(): StoredNode[];

  /** Keeps the database within its bounds; answers what was removed. */
  prune(nowUnixMs: number): Pruned;
  close(): void;
}
