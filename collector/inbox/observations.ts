import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { InboxItem, ObservationKind, StoredObservation } from '../store/store.ts';

const kinds = {
  executed: 'executed',
  capabilityUsed: 'capability-used',
  connected: 'connected',
  fileChanged: 'file-changed',
  namespaceChanged: 'namespace-changed',
  listened: 'listened',
  accepted: 'accepted',
  resolved: 'resolved',
  unixConnected: 'unix-connected',
} as const satisfies Record<NonNullable<Observation['fact']>['$case'], ObservationKind>;

/** The row an observation is kept in; undefined for one without a fact. */
export function toStoredObservation(item: InboxItem, observation: Observation): StoredObservation | undefined {
  const { fact } = observation;
  if (fact === undefined) return undefined;
  const entries = Object.entries(fact.value).sort(([a], [b]) => (a < b ? -1 : 1));
  const firstSeenUnixMs = Number(observation.firstSeenUnixNs / 1_000_000n);
  return {
    nodeName: item.node.name,
    containerId: observation.containerId,
    kind: kinds[fact.$case],
    fact: JSON.stringify(Object.fromEntries(entries)),
    firstSeenUnixMs,
    lastSeenUnixMs: Math.max(firstSeenUnixMs, item.receivedAtUnixMs),
  };
}
