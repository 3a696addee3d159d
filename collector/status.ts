import { version } from '../common/version.ts';
import type { ConnectedAgent, Ingest } from './ingest/server.ts';
import type { Pipeline } from './pipeline.ts';
import type { Publisher, PublisherStatus } from './publish/publisher.ts';
import type { Readiness, ReadinessReport } from './query/readiness.ts';
import type { Store, StoredGap, StoredNode } from './store/store.ts';

export interface NodeStatus {
  name: string;
  kernelRelease: string;
  architecture: string;
  osName: string;
  agentId: string;
  agentVersion: string | undefined;
  connected: boolean;
  connectedSince: string | undefined;
  lastSeen: string;
  /** How each hook is attached; undefined until the agent has said so. */
  hooks: Record<string, string> | undefined;
  runtimes: string[] | undefined;
  containersWatched: number | undefined;
}

export interface GapStatus {
  nodeName: string;
  hop: string;
  type: string;
  count: string;
  from: string;
  to: string;
  containerIds: string[];
  reason: string;
  /** The loss went on when this was told; more of it follows. */
  ongoing: boolean;
  /** Of the whole episode so far; "0" where there are no episodes. */
  totalCount: string;
  receivedAt: string;
}

/** What /api/v1/status shows. */
export interface CollectorStatus {
  version: string;
  cluster: string;
  startedAt: string;
  ready: boolean;
  checks: ReadinessReport['checks'];
  nodes: NodeStatus[];
  sinks: PublisherStatus;
  inbox: { items: number; beingWorkedOn: number };
  /** Newest first. */
  gaps: GapStatus[];
}

/** What is asked for its state. */
export interface StatusSources {
  cluster: string;
  startedAtUnixMs: number;
  readiness: Readiness;
  store: Pick<Store, 'listNodes' | 'inboxSize'>;
  ingest: Pick<Ingest, 'agents'>;
  publisher: Pick<Publisher, 'status'>;
  pipeline: Pick<Pipeline, 'outstanding' | 'gaps'>;
}

export function toStatus(sources: StatusSources): CollectorStatus {
  const { cluster, startedAtUnixMs, store, ingest, publisher, pipeline } = sources;
  const { ready, checks } = sources.readiness.report();
  const agents = new Map(ingest.agents().map((agent) => [agent.agentId, agent]));
  return {
    version,
    cluster,
    startedAt: isoTime(startedAtUnixMs),
    ready,
    checks,
    nodes: store.listNodes().map((stored) => toNodeStatus(stored, agents.get(stored.agentId))),
    sinks: publisher.status(),
    inbox: { items: store.inboxSize(), beingWorkedOn: pipeline.outstanding() },
    gaps: pipeline.gaps().map(toGapStatus),
  };
}

function toNodeStatus(
  { node, agentId, status, lastSeenUnixMs }: StoredNode,
  agent: ConnectedAgent | undefined,
): NodeStatus {
  return {
    name: node.name,
    kernelRelease: node.kernelRelease,
    architecture: node.architecture,
    osName: node.osName,
    agentId,
    agentVersion: agent?.agentVersion,
    connected: agent !== undefined,
    connectedSince: agent === undefined ? undefined : isoTime(agent.connectedAtUnixMs),
    lastSeen: isoTime(lastSeenUnixMs),
    hooks: status?.hooks,
    runtimes: status?.runtimes,
    containersWatched: status?.containersWatched,
  };
}

export function toGapStatus({ nodeName, gap, receivedAtUnixMs }: StoredGap): GapStatus {
  const { hop, type, count, fromUnixNs, toUnixNs, containerIds, reason, ongoing, totalCount } = gap;
  return {
    nodeName,
    hop,
    type,
    count: String(count),
    from: isoTime(Number(fromUnixNs / 1_000_000n)),
    to: isoTime(Number(toUnixNs / 1_000_000n)),
    containerIds,
    reason,
    ongoing,
    totalCount: String(totalCount),
    receivedAt: isoTime(receivedAtUnixMs),
  };
}

/** Empty for what is no time: agents may say anything in a gap. */
function isoTime(unixMs: number): string {
  return Math.abs(unixMs) <= 8.64e15 ? new Date(unixMs).toISOString() : '';
}
