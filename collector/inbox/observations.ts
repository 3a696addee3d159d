import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
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
  startedWith: 'started-with',
  ranAs: 'ran-as',
  writtenDirectory: 'written-directory',
  rootScanned: 'root-scanned',
} as const satisfies Record<NonNullable<Observation['fact']>['$case'], ObservationKind>;

/** How who did it came into the container: the same fact of others is another one. */
const origins: Partial<Record<ProcessEntry, string>> = {
  [ProcessEntry.CONTAINER_INIT]: 'container-init',
  [ProcessEntry.EXEC_SESSION]: 'exec-session',
  [ProcessEntry.INTERNAL]: 'internal',
};

/** The row an observation is kept in; undefined for one without a fact. */
export function toStoredObservation(item: InboxItem, observation: Observation): StoredObservation | undefined {
  const { fact } = observation;
  if (fact === undefined) return undefined;
  const origin = origins[observation.origin];
  const fields = origin === undefined ? fact.value : { ...fact.value, origin };
  const entries = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const firstSeenUnixMs = Number(observation.firstSeenUnixNs / 1_000_000n);
  return {
    nodeName: item.node.name,
    containerId: observation.containerId,
    kind: kinds[fact.$case],
    // 64-bit numbers as text, as everywhere in JSON.
    fact: JSON.stringify(Object.fromEntries(entries), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
    firstSeenUnixMs,
    lastSeenUnixMs: Math.max(firstSeenUnixMs, item.receivedAtUnixMs),
  };
}

/** The observation that a row was made of, as far as the row holds it. */
export function toObservation({ containerId, kind, fact, firstSeenUnixMs }: StoredObservation): Observation {
  const $case = Object.entries(kinds).find(([, word]) => word === kind)?.[0];
  const { origin, ...value } = JSON.parse(fact) as Record<string, unknown>;
  const known = Object.entries(origins).find(([, word]) => word === origin)?.[0];
  return Observation.fromPartial({
    containerId,
    firstSeenUnixNs: BigInt(firstSeenUnixMs) * 1_000_000n,
    origin: known === undefined ? ProcessEntry.UNSPECIFIED : (Number(known) as ProcessEntry),
    fact: { $case, value } as unknown as NonNullable<Observation['fact']>,
  });
}
