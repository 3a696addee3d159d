import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { NamespaceOptions } from '../../proto/generated/runtime/v1/cri.ts';
import {
  ContainerRequest,
  CreateContainerRequest,
  CreateContainerResponse,
  ExecSyncRequest,
  ExecSyncResponse,
  type LinuxContainerSecurityContext,
  PodSandboxConfig,
  PodSandboxRequest,
  ProfileType,
  RunPodSandboxRequest,
  RunPodSandboxResponse,
} from '../../proto/generated/runtime/v1/lifecycle.ts';

interface Message<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
}

const nothing: Message<object> = {
  encode: () => ({ finish: () => new Uint8Array() }),
  decode: () => ({}),
  fromPartial: () => ({}),
};

const requestTimeoutMs = 60_000;

export interface Pod {
  id: string;
  config: PodSandboxConfig;
}

export interface PodOptions {
  name: string;
  uid: string;
  namespace?: string;
  labels?: Record<string, string>;
  cgroupParent: string;
  /** Beside the host's network, which every pod here has: it needs no network plugin. */
  hostPid?: boolean;
  privileged?: boolean;
}

export interface ContainerOptions {
  name: string;
  image: string;
  command: string[];
  attempt?: number;
  labels?: Record<string, string>;
  security?: Partial<LinuxContainerSecurityContext>;
  mounts?: { hostPath: string; containerPath: string; readonly: boolean }[];
}

/** Starts and stops pods and containers through CRI, as a kubelet does. */
export class CriClient {
  readonly #client: Client;

  constructor(socketPath: string) {
    const options = { 'grpc.default_authority': 'localhost', 'grpc.max_reconnect_backoff_ms': 500 };
    this.#client = new Client(`unix://${socketPath}`, credentials.createInsecure(), options);
  }

  async runPod(options: PodOptions): Promise<Pod> {
    const config = PodSandboxConfig.fromPartial({
      metadata: { name: options.name, uid: options.uid, namespace: options.namespace ?? 'shop', attempt: 0 },
      labels: options.labels ?? {},
      linux: {
        cgroupParent: options.cgroupParent,
        securityContext: { namespaceOptions: namespacesOf(options), privileged: options.privileged ?? false },
      },
    });
    const { podSandboxId } = await this.#call('RunPodSandbox', RunPodSandboxRequest, RunPodSandboxResponse, { config });
    return { id: podSandboxId, config };
  }

  async createContainer(pod: Pod, options: ContainerOptions): Promise<string> {
    const { containerId } = await this.#call('CreateContainer', CreateContainerRequest, CreateContainerResponse, {
      podSandboxId: pod.id,
      sandboxConfig: pod.config,
      config: {
        metadata: { name: options.name, attempt: options.attempt ?? 0 },
        image: { image: options.image },
        command: options.command,
        labels: options.labels ?? {},
        mounts: options.mounts ?? [],
        linux: {
          securityContext: {
            namespaceOptions: pod.config.linux?.securityContext?.namespaceOptions,
            seccomp: { profileType: ProfileType.RUNTIME_DEFAULT },
            ...options.security,
          },
        },
      },
    });
    return containerId;
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#call('StartContainer', ContainerRequest, nothing, { containerId });
  }

  async runContainer(pod: Pod, options: ContainerOptions): Promise<string> {
    const id = await this.createContainer(pod, options);
    await this.startContainer(id);
    return id;
  }

  async exec(containerId: string, cmd: string[]): Promise<string> {
    const request = { containerId, cmd, timeout: 30n };
    const { stdout, stderr } = await this.#call('ExecSync', ExecSyncRequest, ExecSyncResponse, request);
    return Buffer.concat([stdout, stderr]).toString();
  }

  /** Kills it at once. */
  async stopContainer(containerId: string): Promise<void> {
    await this.#call('StopContainer', ContainerRequest, nothing, { containerId, timeout: 0n });
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.#call('RemoveContainer', ContainerRequest, nothing, { containerId });
  }

  /** Containers of the pod go with it. */
  async removePod({ id }: Pod): Promise<void> {
    await this.#call('StopPodSandbox', PodSandboxRequest, nothing, { podSandboxId: id });
    await this.#call('RemovePodSandbox', PodSandboxRequest, nothing, { podSandboxId: id });
  }

  close(): void {
    this.#client.close();
  }

  #call<In, Out>(method: string, input: Message<In>, output: Message<Out>, request: object): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<In, Out>(
        `/runtime.v1.RuntimeService/${method}`,
        (message) => Buffer.from(input.encode(message).finish()),
        (bytes) => output.decode(bytes),
        input.fromPartial(request),
        { deadline: Date.now() + requestTimeoutMs } as never,
        (error: ServiceError | null, answer?: Out) => (error === null ? resolve(answer as Out) : reject(error)),
      );
    });
  }
}

function namespacesOf(options: PodOptions): NamespaceOptions {
  const [pod, container, node] = [0, 1, 2] as const;
  return { network: node, pid: options.hostPid ? node : container, ipc: pod };
}
