import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import type { Item, Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { SeverityWord } from '../decide/alert.ts';
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
  item: Item;
  receivedAtUnixMs: number;
}

/** The collector's memory. One implementation per database; all methods are atomic. */
export interface Store extends RecordsCache {
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
  acknowledgedSequence(agentId: string, epoch: bigint): bigint;
  /** Oldest first, items not yet finished, inboxId greater than `afterInboxId`. */
  readInbox(afterInboxId: number, limit: number): InboxItem[];
  finishInbox(inboxIds: readonly number[]): void;

  /** Stores alerts and puts them in the outbox; an alert that exists already is left alone. Answers how many were new. */
  putAlerts(alerts: readonly StoredAlert[]): number;
  getAlert(alertId: string): StoredAlert | undefined;
  /** Newest first. */
  listAlerts(filter: AlertFilter): StoredAlert[];
  readOutbox(limit: number): StoredAlert[];
  markPublished(alertIds: readonly string[], publishedAtUnixMs: number): void;
  outboxSize(): number;

  putContainer(nodeName: string, container: Container, updatedAtUnixMs: number): void;
  getContainer(idOrPrefix: string): StoredContainer | undefined;
  listContainers(): StoredContainer[];

  /** Keeps the database within its bounds; answers what was removed. */
  prune(nowUnixMs: number): { alerts: number; containers: number; papers: number; documents: number };
  close(): void;
}
