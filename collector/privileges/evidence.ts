import {
  RanAsFact,
  RootScannedFact,
  StartedWithFact,
  WrittenDirectoryFact,
} from '../../proto/generated/tallyman/v1/privileges.ts';
import { CapabilityUsedFact, ListenedFact } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { ObservationKind, Store, StoredContainer, StoredGap, StoredObservation } from '../store/store.ts';

/** A fact with the times it was reported first and last. */
export interface Seen<Fact> {
  fact: Fact;
  /** "container-init" (the workload's own), "exec-session", "internal" (not known), or undefined. */
  origin: string | undefined;
  firstSeenUnixMs: number;
  lastSeenUnixMs: number;
}

/** All that is known of a container's privileges, as it was reported. */
export interface Evidence {
  stored: StoredContainer;
  starts: Seen<StartedWithFact>[];
  ranAs: Seen<RanAsFact>[];
  capabilities: Seen<CapabilityUsedFact>[];
  listens: Seen<ListenedFact>[];
  written: Seen<WrittenDirectoryFact>[];
  scans: Seen<RootScannedFact>[];
  /** There may be facts that were refused because the container had its fill. */
  isFull: boolean;
  gaps: StoredGap[];
  /** When its agent was heard of last. */
  agentSeenUnixMs: number;
}

/** As many facts of one container as the store keeps. */
const maxObservations = 2_000;
const maxGaps = 1_000;

type EvidenceStore = Pick<Store, 'listObservations' | 'listGaps' | 'listNodes'>;

/** @throws {CodedError} of the store. */
export function readEvidence(store: EvidenceStore, containers: readonly StoredContainer[]): Evidence[] {
  const agentsSeen = new Map(store.listNodes().map(({ node, lastSeenUnixMs }) => [node.name, lastSeenUnixMs]));
  return containers.map((stored) => evidenceOf(store, stored, agentsSeen.get(stored.nodeName) ?? 0));
}

function evidenceOf(store: EvidenceStore, stored: StoredContainer, agentSeenUnixMs: number): Evidence {
  const { nodeName, container } = stored;
  const observations = store.listObservations(nodeName, container.id);
  const of = <Fact>(kind: ObservationKind, parse: (json: unknown) => Fact): Seen<Fact>[] =>
    observations.filter((one) => one.kind === kind).map((one) => seen(one, parse));
  const startedUnixMs = Number((container.startedUnixNs || container.createdUnixNs) / 1_000_000n);
  return {
    stored,
    starts: of('started-with', StartedWithFact.fromJSON),
    ranAs: of('ran-as', RanAsFact.fromJSON),
    capabilities: of('capability-used', CapabilityUsedFact.fromJSON),
    listens: of('listened', ListenedFact.fromJSON),
    written: of('written-directory', WrittenDirectoryFact.fromJSON),
    scans: of('root-scanned', RootScannedFact.fromJSON),
    isFull: observations.length >= maxObservations,
    gaps: store.listGaps({ nodeName, containerId: container.id, fromUnixMs: startedUnixMs, limit: maxGaps }),
    agentSeenUnixMs,
  };
}

function seen<Fact>(stored: StoredObservation, parse: (json: unknown) => Fact): Seen<Fact> {
  const json = JSON.parse(stored.fact) as Record<string, unknown>;
  const { firstSeenUnixMs, lastSeenUnixMs } = stored;
  return {
    ...{ fact: parse(json), firstSeenUnixMs, lastSeenUnixMs },
    origin: typeof json.origin === 'string' ? json.origin : undefined,
  };
}
