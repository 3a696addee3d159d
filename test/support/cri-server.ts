import { rmSync } from 'node:fs';
import { Server, ServerCredentials, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import {
  ContainerState,
  ContainerStatus,
  type GetContainerEventsResponse,
  type Image,
  type ImageServiceServer,
  ImageServiceService,
  PodSandboxState,
  PodSandboxStatus,
  type RuntimeServiceServer,
  RuntimeServiceService,
} from '../../proto/generated/runtime/v1/cri.ts';

export interface ServedContainer {
  status: ContainerStatus;
  podSandboxId: string;
  /** The text under "info" of verbose answers. */
  info: string;
}

export interface ServedSandbox {
  status: PodSandboxStatus;
  info: string;
}

type EventStream = ServerWritableStream<unknown, GetContainerEventsResponse>;

/** A CRI runtime without containers: it speaks CRI over a real socket and answers what the test has put in. */
export class CriServer {
  readonly socketPath: string;
  readonly containers = new Map<string, ServedContainer>();
  readonly sandboxes = new Map<string, ServedSandbox>();
  readonly images = new Map<string, { image: Image; info: string }>();
  /** Ids that were asked for, in order. */
  readonly asked: string[] = [];
  readonly listeners = new Set<EventStream>();
  runtimeName: string;
  runtimeVersion: string;
  /** As runtimes do that have no events: the stream ends with an error. */
  tellsEvents = true;
  #server: Server | undefined;

  constructor(socketPath: string, runtimeName = 'cri-o', runtimeVersion = '1.31.2') {
    this.socketPath = socketPath;
    this.runtimeName = runtimeName;
    this.runtimeVersion = runtimeVersion;
  }

  async listen(): Promise<void> {
    const server = new Server({ 'grpc.max_send_message_length': -1 });
    server.addService(RuntimeServiceService, this.#runtimeService());
    const images: ImageServiceServer = {
      imageStatus: ({ request }, answer) => {
        const found = this.images.get(request.image?.image ?? '');
        answer(null, { image: found?.image, info: found === undefined ? {} : { info: found.info } });
      },
    };
    server.addService(ImageServiceService, images);
    rmSync(this.socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      const bound = (error: Error | null): void => (error === null ? resolve() : reject(error));
      server.bindAsync(`unix://${this.socketPath}`, ServerCredentials.createInsecure(), bound);
    });
    this.#server = server;
  }

  /** Cuts every connection, as a runtime that is killed. */
  close(): void {
    this.listeners.clear();
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  addContainer(id: string, podSandboxId: string, status: object, info: unknown): ServedContainer {
    const made = ContainerStatus.fromPartial({
      id,
      state: ContainerState.RUNNING,
      createdAt: 1n,
      startedAt: 2n,
      ...status,
    });
    const text = typeof info === 'string' ? info : JSON.stringify(info);
    const served = { status: made, podSandboxId, info: text };
    this.containers.set(id, served);
    return served;
  }

  addSandbox(id: string, status: object, info: unknown): ServedSandbox {
    const made = PodSandboxStatus.fromPartial({ id, state: PodSandboxState.READY, createdAt: 1n, ...status });
    const served = { status: made, info: JSON.stringify(info) };
    this.sandboxes.set(id, served);
    return served;
  }

  #runtimeService(): RuntimeServiceServer {
    type Found<T> = { status: T; info: string } | undefined;
    type Told<T> = sendUnaryData<{ status: T | undefined; info: Record<string, string> }>;
    const tell = <T>(id: string, verbose: boolean, found: Found<T>, answer: Told<T>): void => {
      this.asked.push(id);
      if (found === undefined) answer({ code: status.NOT_FOUND, details: `no ${id}` });
      else answer(null, { status: found.status, info: verbose ? { info: found.info } : {} });
    };
    return {
      version: (_call, answer) =>
        answer(null, {
          ...{ version: '0.1.0', runtimeApiVersion: 'v1' },
          ...{ runtimeName: this.runtimeName, runtimeVersion: this.runtimeVersion },
        }),
      listContainers: ({ request }, answer) => {
        const all = [...this.containers.values()].map(({ status: { id, state, createdAt }, podSandboxId }) => ({
          ...{ id, state, createdAt, podSandboxId },
        }));
        answer(null, { containers: all.filter(({ id }) => (request.filter?.id ?? id) === id) });
      },
      listPodSandbox: (_call, answer) =>
        answer(null, { items: [...this.sandboxes.values()].map((sandbox) => sandbox.status) }),
      containerStatus: ({ request }, answer) =>
        tell(request.containerId, request.verbose, this.containers.get(request.containerId), answer),
      podSandboxStatus: ({ request }, answer) =>
        tell(request.podSandboxId, request.verbose, this.sandboxes.get(request.podSandboxId), answer),
      getContainerEvents: (stream) => {
        if (this.tellsEvents) this.listeners.add(stream);
        else stream.destroy(Object.assign(new Error('pod events are disabled'), { code: status.UNIMPLEMENTED }));
      },
    };
  }
}
