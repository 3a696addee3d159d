import { randomUUID } from 'node:crypto';
import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { type Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import type { InventoryRequest } from '../../proto/generated/tallyman/v1/inventory.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import { imageKeyOf } from '../images/image-key.ts';
import type { InventoryWork, Store } from '../store/store.ts';

export interface AssignerOptions {
  store: Pick<
    Store,
    'getInventoryWork' | 'putInventoryWork' | 'dueInventoryWork' | 'countInventoryWork' | 'listContainers'
  >;
  agents(): readonly { agentId: string; nodeName: string }[];
  /** Whether what was received is still there: what is used least goes first when the store is full. */
  isKept(imageKey: string): boolean;
  ask(agentId: string, request: InventoryRequest): 'sent' | 'blocked' | 'gone';
  /** Asked at once in the whole fleet. */
  maxAsked: number;
  /** How long who was asked has. */
  answerMs: number;
  intervalMs?: number;
  now?: () => number;
  logger: Logger;
  metrics: Metrics;
}

/** How long an agent that went away has to come back and deliver. */
const awayMs = 30_000;
/** Where no agent of a node that runs the image is connected. */
const nobodyMs = 10_000;
const retryInitialMs = 10_000;
const retryMaxMs = 6 * 3_600_000;

interface Place {
  nodeName: string;
  containerId: string;
}

/**
 * Has each image that runs anywhere read once, by one agent of a node that runs it. What was asked of whom is on disk: a new
 * start of the collector goes on where it was, and takes what arrives meanwhile.
 */
export class InventoryAssigner {
  readonly #options: AssignerOptions;
  readonly #episode: Episode;
  readonly #asked;
  readonly #work;
  /** Running containers by image. */
  readonly #places = new Map<string, Map<string, Place>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AssignerOptions) {
    const { logger, metrics } = options;
    this.#options = options;
    this.#episode = new Episode(logger, 'asking for inventories of images');
    this.#asked = metrics.counter('inventory_requests_total', 'Inventories asked for, by what became of it.', [
      'result',
    ]);
    this.#work = metrics.gauge('inventory_images', 'Images by how far their inventory is.', ['state']);
  }

  start(): void {
    for (const { nodeName, container } of this.#options.store.listContainers()) this.seen(nodeName, container);
    this.#timer = setInterval(() => this.tick(), this.#options.intervalMs ?? 1_000);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A container was reported; what was known of its image and is gone is asked for again. @throws what the store throws */
  seen(nodeName: string, container: Container): void {
    const query = imageQueryOf(container);
    const key = query === undefined || container.sandbox ? undefined : imageKeyOf(query);
    if (key === undefined) return;
    const id = `${nodeName} ${container.id}`;
    if (container.state === ContainerState.EXITED) {
      const places = this.#places.get(key);
      places?.delete(id);
      if (places?.size === 0) this.#places.delete(key);
      return;
    }
    if (container.state !== ContainerState.RUNNING) return;
    const places = this.#places.get(key) ?? new Map<string, Place>();
    this.#places.set(key, places);
    if (places.has(id)) return;
    places.set(id, { nodeName, containerId: container.id });
    const known = this.#options.store.getInventoryWork(key);
    if (known === undefined || (known.state === 'received' && !this.#options.isKept(key)))
      this.#put({ ...blank(key), state: 'wanted', dueUnixMs: this.#now() });
  }

  /** It may come back in time and deliver; then somebody else is asked. */
  agentGone(agentId: string): void {
    const { store } = this.#options;
    const soon = this.#now() + awayMs;
    this.#try(() => {
      for (const work of store.dueInventoryWork(Number.MAX_SAFE_INTEGER, 1_000))
        if (work.state === 'asked' && work.agentId === agentId && work.dueUnixMs > soon)
          this.#put({ ...work, dueUnixMs: soon });
    });
  }

  /** The work that an answer belongs to; undefined when nobody was asked this. */
  workOf({ requestId, imageDigest }: { requestId: string; imageDigest: string }): InventoryWork | undefined {
    const work = this.#options.store.getInventoryWork(imageDigest);
    return work?.state === 'asked' && requestId !== '' && work.requestId === requestId ? work : undefined;
  }

  received(work: InventoryWork): void {
    this.#asked.inc({ result: 'received' });
    this.#put({ ...work, state: 'received', reason: '', dueUnixMs: 0 });
  }

  /** The next one is another agent, where there is one. */
  failed(work: InventoryWork, result: 'cannot' | 'refused' | 'timeout', reason: string): void {
    this.#asked.inc({ result });
    const attempts = work.attempts + 1;
    const delayMs = Math.min(retryMaxMs, retryInitialMs * 2 ** Math.min(attempts - 1, 12));
    this.#put({ ...work, state: 'failed', attempts, reason: reason.slice(0, 1_000), dueUnixMs: this.#now() + delayMs });
  }

  /** Asks for what is due. */
  tick(): void {
    this.#try(() => {
      const { store, maxAsked } = this.#options;
      const due = store.dueInventoryWork(this.#now(), 64);
      for (const work of due)
        if (work.state === 'asked') this.failed(work, 'timeout', 'the agent did not answer in time');
      let room = maxAsked - store.countInventoryWork().asked;
      for (const work of due) {
        if (room <= 0) break;
        if (work.state !== 'asked' && this.#ask(work)) room--;
      }
      for (const [state, count] of Object.entries(store.countInventoryWork())) this.#work.set({ state }, count);
    });
  }

  #ask(work: InventoryWork): boolean {
    const places = [...(this.#places.get(work.imageKey)?.values() ?? [])];
    const agents = this.#options.agents().flatMap(({ agentId, nodeName }) => {
      const place = places.find((one) => one.nodeName === nodeName);
      return place === undefined ? [] : [{ agentId, containerId: place.containerId }];
    });
    const next = agents.find(({ agentId }) => agentId !== work.agentId) ?? agents[0];
    const requestId = randomUUID();
    const isSent =
      next !== undefined &&
      this.#options.ask(next.agentId, { requestId, imageDigest: work.imageKey, containerId: next.containerId }) ===
        'sent';
    if (next === undefined || !isSent) {
      this.#put({ ...work, dueUnixMs: this.#now() + nobodyMs });
      return false;
    }
    this.#asked.inc({ result: 'asked' });
    const dueUnixMs = this.#now() + this.#options.answerMs;
    this.#put({ ...work, state: 'asked', agentId: next.agentId, requestId, dueUnixMs });
    return true;
  }

  #put(work: InventoryWork): void {
    this.#options.store.putInventoryWork({ ...work, changedUnixMs: this.#now() });
  }

  #try(work: () => void): void {
    try {
      work();
      this.#episode.recovered();
    } catch (thrown) {
      this.#episode.failed(errorText(thrown));
    }
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

function blank(imageKey: string): InventoryWork {
  return {
    imageKey,
    state: 'wanted',
    agentId: '',
    requestId: '',
    attempts: 0,
    reason: '',
    dueUnixMs: 0,
    changedUnixMs: 0,
  };
}
