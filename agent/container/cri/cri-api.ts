import {
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { LRUCache } from 'lru-cache';
import { CodedError } from '../../../common/errors.ts';
import {
  type ContainerStatusResponse,
  type GetContainerEventsResponse,
  ImageServiceClient,
  type ImageStatusResponse,
  type ListContainersResponse,
  type ListedContainer,
  type ListedPodSandbox,
  type ListPodSandboxResponse,
  type PodSandboxStatusResponse,
  RuntimeServiceClient,
  type VersionResponse,
} from '../../../proto/generated/runtime/v1/cri.ts';
import { Limiter } from '../limiter.ts';
import { sandboxIdOf } from './cri-container.ts';
import { type CriImageFacts, criImageFacts } from './cri-image.ts';

export interface CriApiOptions {
  /** Path of the runtime's socket; the directory it is in must be seen, since a runtime that restarts makes a new one. */
  socketPath: string;
  /** For each single request. Default 5 s. */
  requestTimeoutMs?: number;
  /** Requests under way at once. Default 8. */
  maxRequests?: number;
}

type Answered<T> = (error: ServiceError | null, answer: T) => void;
type Call<T> = (call: { deadline: number }, answered: Answered<T>) => unknown;

const noMetadata = new Metadata();

/** What the kubelet takes, too. */
const maxAnswerBytes = 16 * 1024 * 1024;
const maxWaitingRequests = 10_000;
const maxCachedImages = 1000;
const maxCachedSandboxes = 1000;
const cacheMs = 300_000;

const channelOptions: ClientOptions = {
  'grpc.max_receive_message_length': maxAnswerBytes,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  // Without it the path of the socket is sent, which Go's servers refuse.
  'grpc.default_authority': 'localhost',
  'grpc.enable_http_proxy': 0,
};

/**
 * The questions the agent asks a CRI runtime, each with a time-out, a bounded number at once.
 * @see https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto
 */
export class CriApi {
  readonly #runtime: RuntimeServiceClient;
  readonly #images: ImageServiceClient;
  readonly #socketPath: string;
  readonly #timeoutMs: number;
  readonly #limiter: Limiter;
  readonly #imageFacts = new LRUCache<string, CriImageFacts>({ max: maxCachedImages, ttl: cacheMs });
  readonly #sandboxes = new LRUCache<string, PodSandboxStatusResponse>({ max: maxCachedSandboxes, ttl: cacheMs });

  constructor(options: CriApiOptions) {
    const target = `unix://${options.socketPath}`;
    this.#socketPath = options.socketPath;
    this.#runtime = new RuntimeServiceClient(target, credentials.createInsecure(), channelOptions);
    this.#images = new ImageServiceClient(target, credentials.createInsecure(), channelOptions);
    this.#timeoutMs = options.requestTimeoutMs ?? 5000;
    this.#limiter = new Limiter(options.maxRequests ?? 8, maxWaitingRequests);
  }

  /** @throws CodedError cri-unreachable, cri-busy; so do all others. */
  async version(): Promise<VersionResponse> {
    return this.#told(
      await this.#ask((call, done) => this.#runtime.version({ version: 'v1' }, noMetadata, call, done)),
    );
  }

  /** All containers, or those with one id. */
  async containers(id?: string): Promise<ListedContainer[]> {
    const request = { filter: id === undefined ? undefined : { id } };
    const answer = await this.#ask<ListContainersResponse>((call, done) =>
      this.#runtime.listContainers(request, noMetadata, call, done),
    );
    return this.#told(answer).containers;
  }

  async sandboxes(): Promise<ListedPodSandbox[]> {
    const answer = await this.#ask<ListPodSandboxResponse>((call, done) =>
      this.#runtime.listPodSandbox({}, noMetadata, call, done),
    );
    return this.#told(answer).items;
  }

  /** Undefined when the runtime has no such container. */
  async containerStatus(containerId: string): Promise<ContainerStatusResponse | undefined> {
    const ask = (verbose: boolean): Promise<ContainerStatusResponse | undefined> =>
      this.#ask((call, done) => this.#runtime.containerStatus({ containerId, verbose }, noMetadata, call, done));
    try {
      return withId(containerId, await ask(true));
    } catch (error) {
      // The specification of the container is longer than what is read: the rest is worth having without it.
      if (error instanceof CodedError && error.code === 'cri-answer-too-long')
        return withId(containerId, await ask(false));
      throw error;
    }
  }

  /** Undefined when the runtime has no such sandbox. */
  async sandboxStatus(podSandboxId: string): Promise<PodSandboxStatusResponse | undefined> {
    const request = { podSandboxId, verbose: true };
    const answer = await this.#ask<PodSandboxStatusResponse>((call, done) =>
      this.#runtime.podSandboxStatus(request, noMetadata, call, done),
    );
    const own = withId(podSandboxId, answer);
    if (own !== undefined) this.#sandboxes.set(podSandboxId, own);
    return own;
  }

  /** The sandbox of a container, for what of it never changes: its pod and the namespaces it was made with. */
  async podOf(answer: ContainerStatusResponse): Promise<PodSandboxStatusResponse | undefined> {
    const containerId = answer.status?.id ?? '';
    // A status names its sandbox only in the runtime's own information; the list always does.
    const podSandboxId =
      sandboxIdOf(answer) ?? (await this.containers(containerId)).find(({ id }) => id === containerId)?.podSandboxId;
    if (podSandboxId === undefined) return undefined;
    return this.#sandboxes.get(podSandboxId) ?? (await this.sandboxStatus(podSandboxId));
  }

  /** Undefined when the runtime has no such image. That is not remembered. */
  async image(reference: string): Promise<CriImageFacts | undefined> {
    const cached = this.#imageFacts.get(reference);
    if (cached !== undefined || reference === '') return cached;
    const request = { image: { image: reference, userSpecifiedImage: '' }, verbose: true };
    const answer = await this.#ask<ImageStatusResponse>((call, done) =>
      this.#images.imageStatus(request, noMetadata, call, done),
    );
    const facts = answer === undefined ? undefined : criImageFacts(answer);
    if (facts !== undefined) this.#imageFacts.set(reference, facts);
    return facts;
  }

  /** The stream of what happens to containers; it ends or fails where the runtime has none. */
  events(): ClientReadableStream<GetContainerEventsResponse> {
    return this.#runtime.getContainerEvents({});
  }

  close(): void {
    this.#runtime.close();
    this.#images.close();
  }

  /** Undefined for NOT_FOUND. */
  async #ask<T>(call: Call<T>): Promise<T | undefined> {
    const answer = this.#limiter.run(() => this.#callOnce(call));
    if (answer === undefined)
      throw new CodedError('cri-busy', `${maxWaitingRequests} requests to ${this.#socketPath} are waiting already`);
    return await answer;
  }

  #callOnce<T>(call: Call<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      call({ deadline: Date.now() + this.#timeoutMs }, (error, answer) => {
        if (error === null) resolve(answer);
        else if (error.code === status.NOT_FOUND) resolve(undefined);
        else reject(this.#explained(error));
      });
    });
  }

  #explained(cause: ServiceError): CodedError {
    if (cause.code === status.RESOURCE_EXHAUSTED) {
      const message = `${this.#socketPath} answered with more than ${maxAnswerBytes} bytes`;
      return new CodedError('cri-answer-too-long', message, { cause });
    }
    if (cause.code === status.UNIMPLEMENTED) {
      const hint = 'CRI v1 is spoken by containerd 1.6, CRI-O 1.23 and newer, with the CRI plugin not disabled';
      return new CodedError('cri-not-spoken', `${this.#socketPath} does not speak CRI v1`, { cause, hint });
    }
    const hint = 'check that the runtime runs and that the agent may open its socket';
    return new CodedError('cri-unreachable', `${this.#socketPath} did not answer`, { cause, hint });
  }

  #told<T>(answer: T | undefined): T {
    if (answer !== undefined) return answer;
    throw new CodedError('cri-unreachable', `${this.#socketPath} answered a question about itself with "not found"`);
  }
}

/** Runtimes take the beginning of an id for the id. */
function withId<T extends { status: { id: string } | undefined }>(id: string, answer: T | undefined): T | undefined {
  return answer?.status?.id === id ? answer : undefined;
}
