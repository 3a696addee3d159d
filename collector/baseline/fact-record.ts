import type { BaselineFact } from './fact.ts';

/**
 * learned: expected. candidate: seen after the baseline was ready; only a person makes it expected. refused: seen beside an
 * alert while learning.
 */
export type FactStatus = 'learned' | 'candidate' | 'refused';

/** A fact as it is kept of a baseline. */
export interface FactRecord {
  key: string;
  fact: BaselineFact;
  status: FactStatus;
  /** How often agents reported it: once per container, and again after an agent started anew. 0: a person said it. */
  reports: number;
  /** By the clocks of nodes, Unix ms; 0 when it was never seen. */
  firstSeenUnixMs: number;
  lastSeenUnixMs: number;
  /** The inbox item that was counted last: one that is worked on again after a crash counts nothing. */
  lastInboxId: number;
  /** The container it was seen in first. */
  containerId: string;
  /** Why it was refused. */
  note: string;
}

/** A container that belongs to a baseline. */
export interface BaselineContainer {
  nodeName: string;
  containerId: string;
  baselineId: string;
  running: boolean;
  startedUnixNs: bigint;
  /** It started while its agent was there to see it. */
  fromStart: boolean;
  /** Window in which nothing of it is learned, by its node's clock, Unix ms; 0 and 0: none. */
  alertFromUnixMs: number;
  alertUntilUnixMs: number;
  alertRuleId: string;
  updatedAtUnixMs: number;
}

/** What is written in one transaction. */
export interface BaselineChanges {
  heads: readonly { id: string; head: string }[];
  removedBaselines: readonly string[];
  facts: readonly { baselineId: string; record: FactRecord }[];
  removedFacts: readonly { baselineId: string; key: string }[];
  containers: readonly BaselineContainer[];
  removedContainers: readonly { nodeName: string; containerId: string }[];
}
