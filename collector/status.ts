import { version } from '../common/version.ts';
import type { ConnectedAgent } from './ingest/server.ts';
import type { PublisherStatus } from './publish/publisher.ts';
import type { ReadinessReport } from './query/readiness.ts';
import type { StoredGap, StoredNode } from './store/store.ts';

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

export interface StatusParts {
  cluster: string;
  startedAtUnixMs: number;
  readiness: ReadinessReport;
  nodes: readonly StoredNode[];
  agents: readonly ConnectedAgent[];
  sinks: PublisherStatus;
  inboxItems: number;
  outstandingItems: number;
  gaps: readonly StoredGap[];
}

export function toStatus(parts: StatusParts): CollectorStatus {
  const agents = new Map(parts.agents.map((agent) => [agent.agentId, agent]));
  return {
    version,
    cluster: parts.cluster,
    startedAt: isoTime(parts.startedAtUnixMs),
    ready: parts.readiness.ready,
    checks: parts.readiness.checks,
    nodes: parts.nodes.map((stored) => toNodeStatus(stored, agents.get(stored.agentId))),
    sinks: parts.sinks,
    inbox: { items: parts.inboxItems, beingWorkedOn: parts.outstandingItems },
    gaps: parts.gaps.map(toGapStatus),
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
