import { Server, ServerCredentials, type ServerReadableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import { Episode } from '../../common/episode.ts';
import { CodedError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { isLoopbackAddress } from '../../common/loopback.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { BaselineUpdate } from '../../proto/generated/tallyman/v1/baseline.ts';
import {
  type DeliverInventoryResponse,
  type InventoryRequest,
  InventoryServiceService,
} from '../../proto/generated/tallyman/v1/inventory.ts';
import type { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import { UplinkServiceService } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Store } from '../store/store.ts';
import { createIngestMetrics, type IngestMetrics } from './ingest-metrics.ts';
import { type SessionHost, type UplinkCall, UplinkSession } from './session.ts';

export interface IngestOptions {
  /** "host:port"; port 0 takes a free one. */
  listenAddress: string;
  store: Pick<Store, 'storeBatch' | 'acknowledgedSequence' | 'inboxSize'>;
  /** TLS or mutual TLS. Without, the line is plain text, which is refused where it could leave the machine. */
  credentials?: ServerCredentials;
  /** Allows plain text on any address: only where something else protects the line. */
  insecureUplink?: boolean;
  maxAgents?: number;
  /** Streams are not read on while the inbox holds this many items. */
  maxInboxItems?: number;
  /** Memory of one agent's HTTP/2 session, MiB. */
  maxSessionMemoryMiB?: number;
  helloTimeoutMs?: number;
  onConnected?: (agent: ConnectedAgent) => void;
  /** The agent can be told something. */
  onWelcomed?: (agent: { agentId: string; node: Node }) => void;
  onDisconnected?: (agentId: string) => void;
  /** The agent was behind with reading, and has caught up. */
  onAgentDrained?: (agentId: string) => void;
  /** Takes inventories that were asked for. */
  receiveInventory?: (call: InventoryCall, answer: sendUnaryData<DeliverInventoryResponse>) => void;
  /** Called after each stored batch. */
  onStored?: () => void;
  logger: Logger;
  metrics: Metrics;
}

/** An agent that delivers what it was asked for; messages are not decoded. */
export type InventoryCall = ServerReadableStream<Uint8Array, DeliverInventoryResponse>;

export interface ConnectedAgent {
  agentId: string;
  node: Node;
  agentVersion: string;
  connectedAtUnixMs: number;
}

export interface Ingest {
  /** Binds and serves; answers "host:port". Throws CodedError ingest-insecure or ingest-listen-failed. */
  start(): Promise<string>;
  /** The inbox got smaller: streams that were held back may go on. */
  inboxDrained(): void;
  agents(): ConnectedAgent[];
  /** blocked: the agent is behind with reading; `onAgentDrained` is called when it has caught up. gone: it is not connected. */
  tellBaselines(agentId: string, update: BaselineUpdate): 'sent' | 'blocked' | 'gone';
  /** As `tellBaselines`; nothing tells when a blocked agent could be asked. */
  askInventory(agentId: string, request: InventoryRequest): 'sent' | 'blocked' | 'gone';
  /** Why batches cannot be stored at the moment. */
  failing(): string | undefined;
  /** Ends all streams (agents reconnect and send again what was not acknowledged) and stops listening. */
  close(): Promise<void>;
}

const maxMessageBytes = 4 * 1024 * 1024;

/** Requests stay bytes here: see wire.ts for why they are decoded item by item. */
const serviceDefinition = {
  connect: { ...UplinkServiceService.connect, requestDeserialize: (bytes: Buffer): Uint8Array => bytes },
};

/** Requests stay bytes, so that what cannot be decoded is answered with the reason. */
const inventoryDefinition = {
  deliverInventory: {
    ...InventoryServiceService.deliverInventory,
    requestDeserialize: (bytes: Buffer): Uint8Array => bytes,
  },
};

/** The gRPC side of the collector that agents connect to. */
export function createIngest(options: IngestOptions): Ingest {
  return new UplinkIngest(options);
}

class UplinkIngest implements Ingest {
  readonly #options: IngestOptions;
  readonly #server: Server;
  readonly #metrics: IngestMetrics;
  readonly #host: SessionHost;
  /** All streams, greeted or not. */
  readonly #sessions = new Set<UplinkSession>();
  readonly #byAgent = new Map<string, { session: UplinkSession; connected: ConnectedAgent }>();
  #closing = false;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#metrics = createIngestMetrics(options.metrics);
    this.#host = this.#createHost();
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc-node.max_session_memory': options.maxSessionMemoryMiB ?? 32,
      'grpc.max_concurrent_streams': 16,
      // Finds agents whose machine vanished without closing the connection.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 20_000,
    });
    if (options.receiveInventory !== undefined)
      this.#server.addService(inventoryDefinition, { deliverInventory: options.receiveInventory });
    this.#server.addService(serviceDefinition, { connect: (call: UplinkCall) => this.#accept(call) });
  }

  async start(): Promise<string> {
    const { listenAddress, credentials, insecureUplink } = this.#options;
    if (credentials === undefined && insecureUplink !== true && !isLoopbackAddress(listenAddress))
      throw new CodedError('ingest-insecure', `the uplink would be plain text on ${listenAddress}`, {
        hint: 'listen on a loopback address, configure TLS, or set insecureUplink where something else protects the line',
      });
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(listenAddress, credentials ?? ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else
          reject(
            new CodedError('ingest-listen-failed', `cannot listen for agents on ${listenAddress}`, {
              cause: error,
              hint: 'is another collector running on this address?',
            }),
          );
      });
    });
    return `${listenAddress.slice(0, listenAddress.lastIndexOf(':'))}:${port}`;
  }

  inboxDrained(): void {
    for (const session of this.#sessions) session.resumeIfRoom();
  }

  agents(): ConnectedAgent[] {
    return [...this.#byAgent.values()].map(({ connected }) => connected);
  }

  tellBaselines(agentId: string, value: BaselineUpdate): 'sent' | 'blocked' | 'gone' {
    return this.#byAgent.get(agentId)?.session.tell({ message: { $case: 'baselineUpdate', value } }) ?? 'gone';
  }

  askInventory(agentId: string, value: InventoryRequest): 'sent' | 'blocked' | 'gone' {
    return this.#byAgent.get(agentId)?.session.tell({ message: { $case: 'inventoryRequest', value } }) ?? 'gone';
  }

  failing(): string | undefined {
    const { storeEpisode } = this.#host;
    return storeEpisode.failing ? storeEpisode.reason : undefined;
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const session of [...this.#sessions]) session.end(status.UNAVAILABLE, 'the collector is shutting down');
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const forced = setTimeout(() => this.#server.forceShutdown(), 1_000);
    await drained;
    clearTimeout(forced);
  }

  #createHost(): SessionHost {
    const { store, logger, maxInboxItems = 50_000 } = this.#options;
    return {
      store,
      logger,
      metrics: this.#metrics,
      storeEpisode: new Episode(logger, 'storing batches of agents'),
      helloTimeoutMs: this.#options.helloTimeoutMs ?? 10_000,
      hasRoom: () => store.inboxSize() < maxInboxItems,
      admit: (session, agent) => this.#admit(session, agent),
      welcomed: (_session, agent) => this.#options.onWelcomed?.(agent),
      stored: () => this.#options.onStored?.(),
      drained: ({ agent }) => {
        if (agent !== undefined) this.#options.onAgentDrained?.(agent.agentId);
      },
      ended: (session) => this.#ended(session),
    };
  }

  #accept(call: UplinkCall): void {
    const session = new UplinkSession(call, this.#host);
    this.#sessions.add(session);
    const maxStreams = (this.#options.maxAgents ?? 1_000) + 64;
    if (this.#closing) session.end(status.UNAVAILABLE, 'the collector is shutting down');
    // Streams that have not said hello are bounded as well.
    else if (this.#sessions.size > maxStreams) session.end(status.RESOURCE_EXHAUSTED, 'too many streams');
  }

  #admit(session: UplinkSession, agent: NonNullable<UplinkSession['agent']>): ReturnType<SessionHost['admit']> {
    const previous = this.#byAgent.get(agent.agentId);
    const { maxAgents = 1_000 } = this.#options;
    if (previous === undefined && this.#byAgent.size >= maxAgents)
      return { code: status.RESOURCE_EXHAUSTED, reason: `${maxAgents} agents are connected, which is the limit` };
    const { agentId, node, agentVersion } = agent;
    const connected = { agentId, node, agentVersion: agentVersion.slice(0, 64), connectedAtUnixMs: Date.now() };
    this.#byAgent.set(agentId, { session, connected });
    // The agent came back before its old connection was noticed to be dead.
    previous?.session.end(status.ABORTED, 'another stream with this agent_id has taken over');
    this.#metrics.agents.set(this.#byAgent.size);
    this.#options.logger.info({ agentId, node: node.name, agentVersion: connected.agentVersion }, 'agent connected');
    this.#options.onConnected?.(connected);
    return undefined;
  }

  #ended(session: UplinkSession): void {
    this.#sessions.delete(session);
    const { agent } = session;
    if (agent === undefined || this.#byAgent.get(agent.agentId)?.session !== session) return;
    this.#byAgent.delete(agent.agentId);
    this.#options.onDisconnected?.(agent.agentId);
    this.#metrics.agents.set(this.#byAgent.size);
    if (!this.#closing)
      this.#options.logger.info({ agentId: agent.agentId, node: agent.node.name }, 'agent disconnected');
  }
}
