import { Backoff, sleep } from '../../../common/backoff.ts';
import { Episode } from '../../../common/episode.ts';
import { CodedError, errorText } from '../../../common/errors.ts';
import type { Logger } from '../../../common/logger.ts';
import { blankContainer } from '../blank-container.ts';
import { type Container, ContainerState, type Image } from '../container.ts';
import type { ContainerRuntime, RuntimeSink, RuntimeStatus } from '../runtime.ts';
import { CriApi, type CriApiOptions } from './cri-api.ts';
import { criContainer, criSandbox, sandboxImageOf } from './cri-container.ts';
import { CriEventHints, tellsEvents } from './cri-events.ts';
import { CriListing } from './cri-listing.ts';
import type { HostProbes } from './oci-posture.ts';

export interface CriRuntimeOptions extends CriApiOptions {
  probes: HostProbes;
  /** The socket was found, not named: one that does not speak CRI (Docker's containerd) is not missed. */
  optional?: boolean;
  logger: Logger;
  /** How often the lists are read. Default 5 s: births of containers are told by the kernel, not by the lists. */
  pollIntervalMs?: number;
  backoff?: Backoff;
}

const criId = /^[0-9a-f]{64}$/;
/** When to look again at a container that is about to change; after that, the lists do. */
const settlingDelaysMs = [50, 100, 250, 500, 1000, 2000];
const maxSettling = 256;
/** What it is called here, since it calls itself "docker". */
const criDockerd = 'cri-dockerd';

/**
 * Follows one CRI runtime: containerd, CRI-O. CRI tells what is, not what happens (its event stream is missing or of one
 * listener in much of what is in use): containers are asked for when the kernel reports their cgroups, and lists say what
 * was missed.
 */
export class CriRuntime implements ContainerRuntime {
  readonly #options: CriRuntimeOptions;
  readonly #api: CriApi;
  readonly #listing = new CriListing();
  readonly #hints: CriEventHints;
  readonly #polls: Episode;
  readonly #inspections: Episode;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  readonly #inspecting = new Map<string, Promise<Container | undefined>>();
  readonly #settling = new Set<string>();
  /** What was told of and has not ended, as far as is known. Another runtime of this name has others. */
  readonly #living = new Set<string>();
  #name: string;
  #version = '';
  #connected = false;
  /** True for an optional runtime that does not speak CRI. */
  #mute = false;
  #sink: RuntimeSink | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CriRuntimeOptions) {
    const { logger, socketPath } = options;
    this.#options = options;
    this.#name = /crio/.test(socketPath) ? 'cri-o' : 'containerd';
    this.#api = new CriApi(options);
    this.#polls = new Episode(logger, `CRI runtime at ${socketPath}`);
    this.#inspections = new Episode(logger, `inspection of containers at ${socketPath}`);
    this.#backoff = options.backoff ?? new Backoff({ initialMs: 200, maxMs: 5000 });
    this.#hints = new CriEventHints(this.#api, (id) => void this.#refresh(id));
  }

  /** A guess by the socket until the runtime has told. */
  get name(): string {
    return this.#name;
  }

  start(sink: RuntimeSink): Promise<void> {
    this.#sink = sink;
    return new Promise((attempted) => {
      this.#running = this.#follow(attempted);
    });
  }

  async layerDigests({ configDigest }: Image): Promise<readonly string[]> {
    return (await this.#api.image(configDigest))?.layerDigests ?? [];
  }

  inspect(containerId: string): Promise<Container | undefined> {
    if (!criId.test(containerId) || this.#standsAside || this.#mute) return Promise.resolve(undefined);
    const underway = this.#inspecting.get(containerId);
    if (underway !== undefined) return underway;
    const inspection = this.#ask(containerId)
      .then((container) => this.#noted(container))
      .finally(() => this.#inspecting.delete(containerId));
    this.#inspecting.set(containerId, inspection);
    return inspection;
  }

  hint(containerId: string): void {
    if (this.#connected && this.#living.has(containerId)) void this.#settle(containerId, ContainerState.EXITED);
  }

  status(): RuntimeStatus {
    const reason = this.#connected ? '' : this.#polls.reason || 'not connected yet';
    return { name: this.#name, present: !this.#mute, connected: this.#connected, version: this.#version, reason };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#sink = undefined;
    this.#hints.close();
    this.#api.close();
    await this.#running;
  }

  /** The containers of cri-dockerd are Docker's, which tells more of them. */
  get #standsAside(): boolean {
    return this.#name === criDockerd;
  }

  async #follow(attempted: () => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        if (!this.#connected) await this.#connect();
        await this.#poll();
        this.#connected = true;
        this.#mute = false;
        this.#polls.recovered();
        this.#backoff.reset();
      } catch (error) {
        this.#connected = false;
        if (!signal.aborted) this.#failed(error);
      }
      attempted();
      await sleep(this.#connected ? (this.#options.pollIntervalMs ?? 5000) : this.#backoff.nextDelayMs(), signal);
    }
  }

  #failed(error: unknown): void {
    const notSpoken = error instanceof CodedError && error.code === 'cri-not-spoken';
    this.#mute = notSpoken && this.#options.optional === true;
    if (!this.#mute) this.#polls.failed(errorText(error));
  }

  /** The name comes first: it is part of every record. After a restart another version may answer. */
  async #connect(): Promise<void> {
    const { runtimeName, runtimeVersion } = await this.#api.version();
    if (runtimeName !== '') this.#name = runtimeName === 'docker' ? criDockerd : runtimeName;
    this.#version = runtimeVersion.replace(/^v(?=\d)/, '');
    if (tellsEvents(this.#name, this.#version)) this.#hints.follow();
  }

  /** Asks for what is new or has changed since the last lists, and tells the end of what is not in them any more. */
  async #poll(): Promise<void> {
    if (this.#standsAside) return;
    const [containers, sandboxes] = await Promise.all([this.#api.containers(), this.#api.sandboxes()]);
    const { changed, gone } = this.#listing.compare(containers, sandboxes, this.#living);
    await Promise.all(changed.map((id) => this.#refresh(id)));
    for (const id of gone) this.#ended(id);
  }

  async #ask(id: string): Promise<Container | undefined> {
    const { probes } = this.#options;
    if (this.#version === '') await this.#connect();
    if (this.#standsAside) return undefined;
    const answer = await this.#api.containerStatus(id);
    if (answer?.status !== undefined) {
      const sandbox = await this.#api.podOf(answer);
      const image = await this.#api.image(answer.status.imageRef || answer.status.imageId);
      const container = criContainer(answer, { runtime: this.#name, sandbox, image, probes });
      if (container.state === ContainerState.CREATED) void this.#settle(id, ContainerState.RUNNING);
      return container;
    }
    const pod = await this.#api.sandboxStatus(id);
    if (pod === undefined) return undefined;
    const image = await this.#api.image(sandboxImageOf(pod));
    return criSandbox(pod, { runtime: this.#name, sandbox: pod, image, probes }, nowUnixNs());
  }

  /** Looks again, ever more rarely, until the container is in this state or has ended. */
  async #settle(id: string, state: ContainerState): Promise<void> {
    if (this.#settling.has(id) || this.#settling.size >= maxSettling) return;
    this.#settling.add(id);
    for (const delayMs of settlingDelaysMs) {
      await sleep(delayMs, this.#closing.signal);
      const found = this.#closing.signal.aborted ? undefined : await this.#refresh(id);
      if (found === undefined || found.state === state || found.state === ContainerState.EXITED) break;
    }
    this.#settling.delete(id);
  }

  /** Never rejects; undefined when there is no such container (any more), or nobody could be asked. */
  async #refresh(id: string): Promise<Container | undefined> {
    try {
      const container = await this.inspect(id);
      if (container === undefined) this.#ended(id);
      else this.#sink?.inspected(container);
      this.#inspections.recovered();
      return container;
    } catch (error) {
      // The next lists bring it up again.
      this.#listing.forget(id);
      if (!this.#closing.signal.aborted) this.#inspections.failed(errorText(error));
      return undefined;
    }
  }

  #noted(container: Container | undefined): Container | undefined {
    if (container?.state === ContainerState.EXITED) this.#living.delete(container.id);
    else if (container !== undefined) this.#living.add(container.id);
    return container;
  }

  #ended(id: string): void {
    if (!this.#living.delete(id)) return;
    const container = blankContainer(this.#name, id, id.slice(0, 12));
    this.#sink?.described({ ...container, state: ContainerState.EXITED, finishedUnixNs: nowUnixNs() });
  }
}

function nowUnixNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
