import type { Backoff } from '../../common/backoff.ts';
import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { type Container, ContainerState, type Image } from './container.ts';
import { DockerApi, type DockerApiOptions } from './docker-api.ts';
import { containerFromEvent, type DockerEvent } from './docker-container.ts';
import { DockerEventStream } from './docker-events.ts';
import type { ContainerRuntime, RuntimeSink, RuntimeStatus } from './runtime.ts';

export interface DockerRuntimeOptions extends DockerApiOptions {
  logger: Logger;
  metrics: Metrics;
  /** How often the list is read although the event stream works. Default 5 min. */
  relistIntervalMs?: number;
  /** Events waiting for an inspection. Default 10 000; beyond, they are dropped, counted, and made up for by a list. */
  maxWaitingEvents?: number;
  backoff?: Backoff;
}

const dockerId = /^[0-9a-f]{64}$/;

/** Follows one Docker daemon, or a podman service. */
export class DockerRuntime implements ContainerRuntime {
  readonly name: string;
  readonly #options: DockerRuntimeOptions;
  readonly #api: DockerApi;
  readonly #stream: DockerEventStream;
  readonly #inspections: Episode;
  readonly #inspecting = new Map<string, Promise<Container | undefined>>();
  /** Events by container, in order; a container is in the map while its events are being worked off. */
  readonly #waiting = new Map<string, DockerEvent[]>();
  readonly #dropped;
  readonly #malformed;
  #waitingCount = 0;
  #overflowed = false;
  #version = '';
  #sink: RuntimeSink | undefined;
  #relistTimer: NodeJS.Timeout | undefined;

  constructor(options: DockerRuntimeOptions) {
    const { logger, metrics } = options;
    this.#options = options;
    this.#api = new DockerApi(options);
    this.name = this.#api.runtimeName;
    this.#inspections = new Episode(logger, `inspection of ${this.name} containers`);
    this.#dropped = metrics.counter(
      `${this.name}_events_dropped_total`,
      'Runtime events dropped because too many waited',
    );
    this.#malformed = metrics.counter(
      `${this.name}_events_malformed_total`,
      'Lines of the event stream that are no event',
    );
    this.#stream = new DockerEventStream({
      api: this.#api,
      logger,
      onEvent: (event) => this.#enqueue(event),
      onMalformed: () => this.#malformed.inc(),
      onConnected: () => this.#connected(),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
  }

  async start(sink: RuntimeSink): Promise<void> {
    this.#sink = sink;
    this.#relistTimer = setInterval(() => this.#relistNow(), this.#options.relistIntervalMs ?? 300_000);
    this.#relistTimer.unref();
    await this.#stream.start();
  }

  inspect(containerId: string): Promise<Container | undefined> {
    if (!dockerId.test(containerId)) return Promise.resolve(undefined);
    const underway = this.#inspecting.get(containerId);
    if (underway !== undefined) return underway;
    const inspection = this.#api.container(containerId).finally(() => this.#inspecting.delete(containerId));
    this.#inspecting.set(containerId, inspection);
    return inspection;
  }

  /** An image's id is the digest of its config; where the containerd store is used, the digest it was pulled by. */
  layerDigests({ targetDigest, configDigest }: Image): Promise<readonly string[]> {
    return this.#api.layerDigests(targetDigest || configDigest);
  }

  status(): RuntimeStatus {
    const { connected, reason } = this.#stream;
    return { name: this.name, present: true, connected, version: this.#version, reason };
  }

  async close(): Promise<void> {
    clearInterval(this.#relistTimer);
    this.#sink = undefined;
    this.#api.close();
    await this.#stream.close();
  }

  async #connected(): Promise<void> {
    this.#version = await this.#api.version();
    await this.#list();
  }

  #relistNow(): void {
    this.#list().then(
      () => this.#inspections.recovered(),
      (error) => this.#inspections.failed(errorText(error)),
    );
  }

  /** Inspects what lives, and what the directory still believes to live. */
  async #list(): Promise<void> {
    this.#overflowed = false;
    const living = await this.#api.livingIds();
    const believed = this.#sink?.livingIds(this.name) ?? [];
    await Promise.all([...new Set([...living, ...believed])].map((id) => this.#refresh(id)));
  }

  async #refresh(id: string): Promise<void> {
    const timeUnixNs = BigInt(Date.now()) * 1_000_000n;
    const container = await this.inspect(id);
    if (container !== undefined) this.#sink?.inspected(container);
    else {
      const gone = { action: 'destroy', containerId: id, attributes: {}, timeUnixNs };
      this.#sink?.described(containerFromEvent(gone, ContainerState.EXITED, this.name));
    }
  }

  #enqueue(event: DockerEvent): void {
    const queue = this.#waiting.get(event.containerId);
    if (this.#waitingCount >= (this.#options.maxWaitingEvents ?? 10_000)) {
      this.#dropped.inc();
      this.#overflowed = true;
      return;
    }
    this.#waitingCount++;
    if (queue !== undefined) {
      queue.push(event);
      return;
    }
    const fresh = [event];
    this.#waiting.set(event.containerId, fresh);
    void this.#workOff(event.containerId, fresh);
  }

  /** Never rejects: an event that cannot be looked into is used for what it says itself. */
  async #workOff(containerId: string, queue: DockerEvent[]): Promise<void> {
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      try {
        await this.#apply(event);
        this.#inspections.recovered();
      } catch (error) {
        this.#inspections.failed(errorText(error));
      }
      this.#waitingCount--;
    }
    this.#waiting.delete(containerId);
    if (this.#overflowed && this.#waitingCount === 0) this.#relistNow();
  }

  async #apply(event: DockerEvent): Promise<void> {
    switch (event.action) {
      case 'create':
        return await this.#inspectFor(event, ContainerState.CREATED);
      case 'start':
        return await this.#inspectFor(event, ContainerState.RUNNING);
      case 'die':
      case 'destroy':
      case 'remove':
        this.#sink?.described(containerFromEvent(event, ContainerState.EXITED, this.name));
        return;
      case 'rename':
        this.#sink?.renamed(event.containerId, (event.attributes.name ?? '').replace(/^\//, ''));
        return;
      default:
        return;
    }
  }

  async #inspectFor(event: DockerEvent, state: ContainerState): Promise<void> {
    let container: Container | undefined;
    try {
      container = await this.inspect(event.containerId);
      const early = state === ContainerState.RUNNING && container?.state === ContainerState.CREATED;
      // The answer was under way before the container was started.
      if (early) container = await this.inspect(event.containerId);
    } finally {
      if (container !== undefined) this.#sink?.inspected(container);
      // Gone already, or Docker is away: the event knows at least this.
      if (container === undefined || state === ContainerState.RUNNING)
        this.#sink?.described(containerFromEvent(event, state, this.name));
    }
  }
}
