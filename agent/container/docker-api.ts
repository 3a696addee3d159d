import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { LRUCache } from 'lru-cache';
import { CodedError } from '../../common/errors.ts';
import type { Container } from './container.ts';
import { type DockerImageFacts, dockerContainer, dockerImageFacts } from './docker-container.ts';
import { Limiter } from './limiter.ts';
import type { SocketProbe } from './runtime-sockets.ts';

export interface DockerApiOptions {
  /** "docker", or "podman", which speaks the same API. Default "docker". */
  runtimeName?: string;
  /** "/var/run/docker.sock"; what DOCKER_HOST or Docker's own default says when undefined. */
  socketPath?: string;
  /** For each single request. Default 5 s. */
  requestTimeoutMs?: number;
  /** Requests under way at once. Default 8. */
  maxRequests?: number;
  probe: SocketProbe;
}

const maxWaitingRequests = 10_000;
const maxCachedImages = 1000;
const imageCacheMs = 300_000;
/** States of containers that exist and have not ended. podman refuses to answer for one that it does not have. */
const podmanLivingStates = ['created', 'running', 'paused'];
const livingStates = [...podmanLivingStates, 'restarting'];
const followedActions = ['create', 'start', 'die', 'destroy', 'rename'];
/** podman sends "die" to those who ask for "died", and "remove". */
const podmanFollowedActions = ['create', 'start', 'died', 'remove', 'rename'];

/** The questions the agent asks Docker, each with a time-out, a bounded number at once. */
export class DockerApi {
  readonly runtimeName: string;
  readonly #docker: Docker;
  readonly #probe: SocketProbe;
  readonly #timeoutMs: number;
  readonly #limiter: Limiter;
  readonly #images = new LRUCache<string, DockerImageFacts>({ max: maxCachedImages, ttl: imageCacheMs });
  readonly #closing = new AbortController();

  constructor(options: DockerApiOptions) {
    this.runtimeName = options.runtimeName ?? 'docker';
    this.#docker = new Docker(options.socketPath === undefined ? {} : { socketPath: options.socketPath });
    this.#probe = options.probe;
    this.#timeoutMs = options.requestTimeoutMs ?? 5000;
    this.#limiter = new Limiter(options.maxRequests ?? 8, maxWaitingRequests);
  }

  /** Undefined when Docker has no such container. @throws CodedError docker-unreachable, docker-busy */
  async container(id: string): Promise<Container | undefined> {
    const inspect = await this.#ask((abortSignal) => this.#docker.getContainer(id).inspect({ abortSignal } as object));
    if (inspect === undefined) return undefined;
    return dockerContainer(inspect, await this.#image(inspect.Image), this.#probe, this.runtimeName);
  }

  /** Diff ids of the layers of an image, the lowest first. @throws CodedError docker-unreachable, docker-busy */
  async layerDigests(imageId: string): Promise<readonly string[]> {
    return (await this.#image(imageId))?.layerDigests ?? [];
  }

  /** Ids of the containers that have not ended. */
  async livingIds(): Promise<string[]> {
    const filters = { status: this.runtimeName === 'podman' ? podmanLivingStates : livingStates };
    const list = await this.#ask((abortSignal) => this.#docker.listContainers({ all: true, filters, abortSignal }));
    return (list ?? []).map((container) => container.Id);
  }

  async version(): Promise<string> {
    const version = await this.#ask(() => this.#docker.version());
    return version === undefined ? '' : `${version.Version} (API ${version.ApiVersion})`;
  }

  /** Container events as lines of JSON; from `sinceUnixNs` on if that is given, as far as Docker still has them. */
  async events(sinceUnixNs: bigint | undefined, abortSignal: AbortSignal): Promise<Readable> {
    const since = sinceUnixNs === undefined ? {} : { since: secondsWithFraction(sinceUnixNs) };
    const event = this.runtimeName === 'podman' ? podmanFollowedActions : followedActions;
    const filters = { type: ['container'], event };
    const answer = this.#docker.getEvents({ ...since, filters, abortSignal } as Docker.GetEventsOptions);
    const timeout = AbortSignal.any([AbortSignal.timeout(this.#timeoutMs), this.#closing.signal]);
    return (await unlessAborted(answer, timeout)) as Readable;
  }

  close(): void {
    this.#closing.abort(new CodedError('docker-closed', 'the agent is closing'));
  }

  /** Absent facts are not cached: the image may only be unreachable for the moment. */
  async #image(imageId: string): Promise<DockerImageFacts | undefined> {
    const cached = this.#images.get(imageId);
    if (cached !== undefined || imageId === '') return cached;
    const inspect = await this.#ask((abortSignal) => this.#docker.getImage(imageId).inspect({ abortSignal } as object));
    if (inspect === undefined) return undefined;
    const facts = dockerImageFacts(inspect);
    this.#images.set(imageId, facts);
    return facts;
  }

  /** Undefined for 404 and 409 (is being removed). */
  async #ask<T>(request: (abortSignal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const answer = this.#limiter.run(() => {
      const signal = AbortSignal.any([AbortSignal.timeout(this.#timeoutMs), this.#closing.signal]);
      return unlessAborted(request(signal), signal);
    });
    if (answer === undefined)
      throw new CodedError('docker-busy', `${maxWaitingRequests} requests to Docker are waiting already`);
    try {
      return await answer;
    } catch (cause) {
      const status = (cause as { statusCode?: unknown }).statusCode;
      if (status === 404 || status === 409) return undefined;
      throw new CodedError('docker-unreachable', 'Docker did not answer', {
        cause,
        hint: 'check that dockerd runs and that the agent may open its socket',
      });
    }
  }
}

function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function secondsWithFraction(unixNs: bigint): string {
  return `${unixNs / 1_000_000_000n}.${(unixNs % 1_000_000_000n).toString().padStart(9, '0')}`;
}
