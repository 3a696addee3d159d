import { ChannelCredentials } from '@grpc/grpc-js';
import { Backoff, sleep } from '../../common/backoff.ts';
import { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { isLoopbackAddress } from '../../common/loopback.ts';
import type { Metrics } from '../../common/metrics.ts';
import { version } from '../../common/version.ts';
import type { BaselineUpdate } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { InventoryRequest } from '../../proto/generated/tallyman/v1/inventory.ts';
import type { Node, Welcome } from '../../proto/generated/tallyman/v1/uplink.ts';
import { UplinkConnection } from './connection.ts';
import { InFlight } from './in-flight.ts';
import { Outbound } from './outbound.ts';
import type { UplinkItem, UplinkSender } from './sender.ts';
import { createUplinkMetrics, type UplinkMetrics } from './uplink-metrics.ts';
import { encodeBatch } from './wire.ts';

export interface UplinkOptions {
  /** The collector, "host:port". */
  address: string;
  node: Node;
  agentId: string;
  /** Start of this agent process, Unix nanoseconds. */
  epoch: bigint;
  maxQueueItems?: number;
  /** Of waiting and of unacknowledged items together. */
  maxQueueBytes?: number;
  maxInFlightBatches?: number;
  /** How long an item that is not urgent may wait for company. */
  lingerMs?: number;
  /** TLS or mutual TLS. Without, the line is plain text, which is refused where it would leave the machine. */
  credentials?: ChannelCredentials;
  insecureUplink?: boolean;
  welcomeTimeoutMs?: number;
  /** What the collector tells of the workloads that run here. */
  onBaselines?: (update: BaselineUpdate) => void;
  /** The collector wants to know what an image contains. */
  onInventoryRequest?: (request: InventoryRequest) => void;
  backoff?: { initialMs: number; maxMs: number };
  logger: Logger;
  metrics: Metrics;
}

export interface Uplink extends UplinkSender {
  /** Starts connecting, for ever; returns at once. */
  start(): void;
  readonly connected: boolean;
  /** Items that wait or are not acknowledged. */
  readonly pendingItems: number;
  /** Takes no more items, delivers what is there until all is acknowledged or the time is over, then lets go. */
  close(deadlineMs: number): Promise<{ undeliveredItems: number }>;
}

/** The agent's line to the collector; throws CodedError uplink-insecure. */
export function createUplink(options: UplinkOptions): Uplink {
  if (options.credentials === undefined && options.insecureUplink !== true && !isLoopbackAddress(options.address))
    throw new CodedError('uplink-insecure', `the line to the collector at ${options.address} would be plain text`, {
      hint: 'configure TLS, or set insecureUplink where something else protects the line',
    });
  return new GrpcUplink(options);
}

/** At least once: what was accepted is kept until the collector has stored it, or is told of as a gap. */
class GrpcUplink implements Uplink {
  readonly #options: UplinkOptions;
  readonly #metrics: UplinkMetrics;
  readonly #outbound: Outbound;
  readonly #inFlight = new InFlight();
  readonly #backoff: Backoff;
  readonly #episode: Episode;
  readonly #stopping = new AbortController();
  readonly #maxInFlightBatches: number;
  #epoch: bigint;
  #connection: UplinkConnection | undefined;
  #welcomed = false;
  #closing = false;
  #running: Promise<void> | undefined;
  /** Set while close() waits for the last acknowledgement. */
  #onSettled: (() => void) | undefined;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
    this.#maxInFlightBatches = options.maxInFlightBatches ?? 32;
    this.#metrics = createUplinkMetrics(options.metrics);
    this.#backoff = new Backoff(options.backoff ?? { initialMs: 250, maxMs: 15_000 });
    this.#episode = new Episode(options.logger, `line to the collector at ${options.address}`);
    this.#outbound = new Outbound({
      maxQueueItems: options.maxQueueItems ?? 100_000,
      maxQueueBytes: options.maxQueueBytes ?? 64 * 1024 * 1024,
      lingerMs: options.lingerMs ?? 50,
      reservedBytes: () => this.#inFlight.bytes,
      due: () => this.#pump(),
      metrics: this.#metrics,
    });
  }

  get connected(): boolean {
    return this.#welcomed;
  }

  get pendingItems(): number {
    return this.#outbound.size + this.#inFlight.items;
  }

  send(item: UplinkItem): boolean {
    if (!this.#closing) return this.#outbound.add(item);
    this.#metrics.dropped.inc({ type: item.$case, reason: 'closing' });
    return false;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(deadlineMs: number): Promise<{ undeliveredItems: number }> {
    this.#closing = true;
    if (this.pendingItems > 0 && this.#running !== undefined) {
      const settled = new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
      this.#outbound.hurry();
      const deadline = new AbortController();
      await Promise.race([settled, sleep(deadlineMs, deadline.signal)]);
      deadline.abort();
    }
    this.#stopping.abort();
    this.#connection?.close();
    await this.#running;
    this.#outbound.close();
    const undeliveredItems = this.pendingItems;
    if (undeliveredItems > 0) {
      this.#metrics.undelivered.inc(undeliveredItems);
      this.#options.logger.warn({ undeliveredItems }, 'the collector did not take everything before the agent stopped');
    }
    return { undeliveredItems };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const reason = await this.#runConnection();
      this.#connection = undefined;
      this.#welcomed = false;
      this.#metrics.connected.set(0);
      if (signal.aborted) break;
      this.#metrics.disconnects.inc();
      this.#episode.failed(reason);
      await sleep(this.#backoff.nextDelayMs(), signal);
    }
  }

  /** Resolves with the reason when the connection is over. */
  #runConnection(): Promise<string> {
    const { address, agentId, node, credentials } = this.#options;
    return new Promise((resolve) => {
      try {
        this.#connection = new UplinkConnection(
          {
            address,
            credentials: credentials ?? ChannelCredentials.createInsecure(),
            hello: { protocolVersion: 1, agentId, epoch: this.#epoch, agentVersion: version, node },
            welcomeTimeoutMs: this.#options.welcomeTimeoutMs ?? 10_000,
          },
          {
            welcome: (welcome) => this.#welcome(welcome),
            ack: (sequence) => this.#acknowledged(sequence),
            baselines: (update) => this.#options.onBaselines?.(update),
            inventory: (request) => this.#options.onInventoryRequest?.(request),
            undecodable: (reason) => this.#undecodable(reason),
            closed: resolve,
          },
        );
      } catch (thrown) {
        resolve(errorText(thrown));
      }
    });
  }

  #welcome(welcome: Welcome): void {
    if (!this.#inFlight.canResumeAfter(welcome.ackedSequence)) {
      this.#startNewEpoch(welcome);
      return;
    }
    this.#welcomed = true;
    this.#metrics.connected.set(1);
    this.#inFlight.acknowledge(welcome.ackedSequence);
    if (this.#inFlight.size === 0) this.#works();
    for (const batch of this.#inFlight.batches) {
      this.#metrics.resentBatches.inc();
      this.#connection?.write(encodeBatch(batch.sequence, batch.items));
    }
    this.#pump();
    this.#settleIfEmpty();
  }

  /** The collector's numbers and ours do not meet (its store was replaced): what is kept starts again from 1. */
  #startNewEpoch(welcome: Welcome): void {
    this.#inFlight.renumber();
    this.#epoch += 1n;
    this.#metrics.epochs.inc();
    this.#options.logger.warn(
      { ackedSequence: String(welcome.ackedSequence), keptBatches: this.#inFlight.size },
      'the collector does not remember this agent; batches are numbered anew',
    );
    this.#connection?.close();
  }

  #acknowledged(sequence: bigint): void {
    if (!this.#inFlight.acknowledge(sequence)) {
      this.#options.logger.error({ sequence: String(sequence) }, 'the collector acknowledged what was never sent');
      this.#connection?.close();
      return;
    }
    this.#works();
    this.#pump();
    this.#settleIfEmpty();
  }

  #undecodable(reason: string): void {
    this.#metrics.undecodable.inc();
    this.#options.logger.error({ reason }, 'a message from the collector cannot be decoded, and is left out');
  }

  /** A collector that says welcome and then cannot store does not work: only an acknowledgement ends the episode. */
  #works(): void {
    this.#backoff.reset();
    this.#episode.recovered();
  }

  /** Sends what is due while the window has room. */
  #pump(): void {
    while (this.#welcomed && this.#inFlight.size < this.#maxInFlightBatches) {
      const items = this.#outbound.takeDue();
      if (items.length === 0) break;
      const batch = this.#inFlight.add(items);
      this.#connection?.write(encodeBatch(batch.sequence, batch.items));
    }
    this.#metrics.inFlightBatches.set(this.#inFlight.size);
    this.#metrics.queuedItems.set(this.#outbound.size);
  }

  #settleIfEmpty(): void {
    if (this.pendingItems === 0) this.#onSettled?.();
  }
}
