import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { ExecEvent, ForkEvent, KernelEvent } from '../decode/kernel-event.ts';
import type { AttributedEvent, DetectableEvent } from '../detect/attributed-event.ts';
import { NameTable } from '../dns/name-table.ts';
import { DnsStreams } from '../dns/streams.ts';
import { Subdomains } from '../dns/subdomains.ts';
import type { IntegrityEvent } from '../integrity/integrity-event.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { ProcessTree } from '../process/process-tree.ts';
import { attributionOf, missingOf } from './attribution.ts';
import { AttributorMetrics } from './attributor-metrics.ts';
import type { CgroupLookup, Container } from './container.ts';
import type { ContainerDirectory } from './container-directory.ts';
import { HeldEvents, type HeldQueue } from './held-events.ts';
import { type Loss, LossWindows } from './loss-windows.ts';

export interface AttributorOptions {
  directory: Pick<ContainerDirectory, 'lookup' | 'onCgroupMkdir' | 'onCgroupRmdir' | 'assume' | 'rescan' | 'subscribe'>;
  tree: ProcessTree;
  emit: (event: AttributedEvent) => void;
  /** Programs that ended, by exit or because the process executed another one. */
  onExecutionEnded?: (execution: ProcessExecution) => void;
  /** What was given up here: events that went on before their container was known, and those that detection refused. */
  onLoss?: (loss: Loss) => void;
  logger: Logger;
  metrics: Metrics;
  /** How long an event waits for its container to become known. Default 2000. */
  holdMs?: number;
  /** Events that wait at once; beyond, those that wait longest go on with what is known. Default 10 000. */
  maxHeld?: number;
  /** How often waiting events are looked at. Default 100. */
  tickMs?: number;
  /** How far around a loss of records data counts as incomplete. Default 60 s. */
  lossMarginMs?: number;
  /** A monotonic reading in milliseconds. */
  now?: () => number;
}

export interface Attributor {
  /** Takes every event, in the order of the kernel's records; and what was found by comparing processes. */
  onEvent(event: KernelEvent | IntegrityEvent): void;
  /** Something was lost: events around it, of its container or of all, are marked, and the cgroups are read anew. */
  noteLoss(loss: Loss): void;
  /** Lets go of what has waited long enough; called by a timer. */
  tick(): void;
  readonly heldCount: number;
  /** Emits what still waits, as partial. */
  close(): void;
}

const defaultHoldMs = 2000;
const defaultMaxHeld = 10_000;
const defaultTickMs = 100;
const defaultLossMarginMs = 60_000;
const maxLossWindows = 64;

/**
 * Says of every event who did it. The process tree takes all events at once and in order; events for detection go on at
 * once when their container is known, and wait for it otherwise. The order of the events of one container is kept.
 */
export function createAttributor(options: AttributorOptions): Attributor {
  return new EventAttributor(options);
}

class EventAttributor implements Attributor {
  readonly #options: AttributorOptions;
  readonly #directory: AttributorOptions['directory'];
  readonly #tree: ProcessTree;
  readonly #held: HeldEvents;
  readonly #losses: LossWindows;
  readonly #metrics: AttributorMetrics;
  readonly #streams = new DnsStreams();
  readonly #names = new NameTable();
  readonly #subdomains = new Subdomains();
  readonly #emitting: Episode;
  readonly #now: () => number;
  readonly #holdMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #releaseQueued = false;

  constructor(options: AttributorOptions) {
    const { directory, tree, logger, metrics, lossMarginMs = defaultLossMarginMs } = options;
    this.#options = options;
    this.#directory = directory;
    this.#tree = tree;
    this.#held = new HeldEvents(options.maxHeld ?? defaultMaxHeld);
    this.#losses = new LossWindows({ marginNs: BigInt(lossMarginMs) * 1_000_000n, maxWindows: maxLossWindows });
    this.#metrics = new AttributorMetrics(metrics);
    this.#emitting = new Episode(logger, 'detection of attributed events');
    this.#now = options.now ?? (() => performance.now());
    this.#holdMs = options.holdMs ?? defaultHoldMs;
    this.#unsubscribe = directory.subscribe(() => this.#queueRelease());
    this.#timer = setInterval(() => this.tick(), options.tickMs ?? defaultTickMs);
    this.#timer.unref();
  }

  get heldCount(): number {
    return this.#held.count;
  }

  onEvent(event: KernelEvent | IntegrityEvent): void {
    if (event.kind === 'exec') this.#onExec(event);
    else if (event.kind === 'fork') this.#onFork(event);
    else if (event.kind === 'exit') this.#ended(this.#tree.onExit(event));
    else if (event.kind === 'cgroup-mkdir') this.#directory.onCgroupMkdir(event);
    else if (event.kind === 'cgroup-rmdir') this.#directory.onCgroupRmdir(event);
    else if (event.kind === 'throttle') return;
    else if (event.kind === 'dns-segment') for (const answer of this.#streams.push(event)) this.#onAct(answer);
    else this.#onAct(event);
  }

  noteLoss(loss: Loss): void {
    this.#losses.note(loss);
    this.#directory.rescan();
  }

  tick(): void {
    if (this.#held.count > 0) this.#releaseKnown(this.#now() - this.#holdMs);
    this.#metrics.publish({ held: this.#held.count, processes: this.#tree.size });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#releaseKnown(Number.POSITIVE_INFINITY);
    this.#metrics.publish({ held: 0, processes: this.#tree.size });
  }

  #onFork(event: ForkEvent): void {
    if (this.#directory.lookup(event.cgroupId).state !== 'not-container') this.#tree.onFork(event);
  }

  #onExec(event: ExecEvent): void {
    const lookup = this.#directory.lookup(event.cgroupId);
    if (lookup.state === 'not-container') {
      this.#metrics.notContainer++;
      return;
    }
    const execution = this.#tree.onExec(event, lookup.state === 'container' ? lookup.container.id : undefined);
    this.#ended(this.#tree.replaced);
    this.#attribute(event, execution, lookup);
  }

  #onAct(event: DetectableEvent): void {
    const lookup = this.#directory.lookup(event.cgroupId);
    if (lookup.state === 'not-container') {
      this.#metrics.notContainer++;
      return;
    }
    this.#attribute(event, this.#tree.find(event.pid, event.startKtimeNs), lookup);
  }

  #ended(execution: ProcessExecution | undefined): void {
    if (execution !== undefined) this.#options.onExecutionEnded?.(execution);
  }

  #attribute(event: DetectableEvent, execution: ProcessExecution | undefined, lookup: CgroupLookup): void {
    if (lookup.state === 'container') {
      if (this.#held.count > 0) this.#releaseBefore(event.cgroupId, lookup.container);
      this.#emit(event, execution, lookup.container, false);
      return;
    }
    if (this.#held.full) this.#makeRoom();
    const byCgroup = cgroupKey(event.cgroupId);
    // What began to wait under the cgroup, before even its path was known, keeps its place in front.
    const byContainer = lookup.state === 'pending' && !this.#held.has(byCgroup);
    this.#held.hold(byContainer ? lookup.containerId : byCgroup, { event, execution }, this.#now());
  }

  /** The events of this container that still wait come before one that does not have to. */
  #releaseBefore(cgroupId: bigint, container: Container): void {
    const queues = [this.#held.take(cgroupKey(cgroupId)), this.#held.take(container.id)];
    for (const queue of queues) if (queue !== undefined) this.#release(queue, container);
  }

  #makeRoom(): void {
    const queue = this.#held.oldest();
    if (queue === undefined) return;
    this.#metrics.forced += queue.events.length;
    this.#held.take(queue.key);
    const container = this.#directory.assume(queue.cgroupId);
    const events = queue.events.map(({ event }) => event);
    this.#release(queue, container);
    this.#tellLoss({ hop: 'attribution', type: 'event', reason: 'forced' }, events, container);
  }

  #tellLoss(
    what: Pick<Loss, 'hop' | 'type' | 'reason'>,
    events: readonly DetectableEvent[],
    container: Container,
  ): void {
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) return;
    const window = { fromKtimeNs: first.ktimeNs, toKtimeNs: last.ktimeNs };
    this.#options.onLoss?.({ ...what, count: BigInt(events.length), ...window, containerId: container.id });
  }

  #queueRelease(): void {
    if (this.#releaseQueued || this.#held.count === 0) return;
    this.#releaseQueued = true;
    queueMicrotask(() => {
      this.#releaseQueued = false;
      this.#releaseKnown(Number.NEGATIVE_INFINITY);
    });
  }

  /** Queues that began before `giveUpBeforeMs` go on in any case. */
  #releaseKnown(giveUpBeforeMs: number): void {
    for (const queue of this.#held.queues()) {
      const lookup = this.#directory.lookup(queue.cgroupId);
      const isOpen = lookup.state === 'pending' || lookup.state === 'unknown';
      if (isOpen && queue.heldSinceMs > giveUpBeforeMs) continue;
      if (this.#held.take(queue.key) === undefined) continue;
      if (lookup.state === 'not-container') this.#metrics.notContainer += queue.events.length;
      else this.#release(queue, isOpen ? this.#directory.assume(queue.cgroupId) : lookup.container);
    }
  }

  #release(queue: HeldQueue, container: Container): void {
    for (const { event, execution } of queue.events) {
      if (execution !== undefined) this.#tree.assignContainer(execution, container.id);
      this.#emit(event, execution, container, true);
    }
  }

  #emit(event: DetectableEvent, execution: ProcessExecution | undefined, container: Container, held: boolean): void {
    const missing = missingOf(container, execution !== undefined);
    const attribution = attributionOf(missing, held);
    this.#metrics[attribution]++;
    this.#names.apply(container.id, event);
    this.#subdomains.apply(container.id, event);
    const losses = this.#losses.around(event.ktimeNs, container.id);
    const dataComplete = losses.length === 0;
    try {
      this.#options.emit({ event, container, execution, attribution, missing, dataComplete, losses });
      if (this.#emitting.failing) this.#emitting.recovered();
    } catch (error) {
      // What detection cannot take must not cost the events behind it.
      this.#metrics.failed++;
      this.#emitting.failed(errorText(error));
      this.#tellLoss({ hop: 'detection', type: event.kind, reason: 'failed' }, [event], container);
    }
  }
}

function cgroupKey(cgroupId: bigint): string {
  return `cgroup:${cgroupId}`;
}
