import type { Container, Image } from './container.ts';

/**
 * A container runtime as the directory sees it: it lists what runs, follows what happens and answers for one id. The
 * records it hands over carry no cgroup; the directory adds that.
 */
export interface ContainerRuntime {
  /** "docker", "podman", "containerd", "cri-o" */
  readonly name: string;
  /**
   * Begins to follow the runtime. Resolves once the containers that run have been handed to the sink, or once the first
   * attempt to reach the runtime has failed; it keeps trying then. Never rejects.
   */
  start(sink: RuntimeSink): Promise<void>;
  /**
   * Asks for one container.
   * @throws CodedError when the runtime could not be asked; that is not the same as `undefined`: it has no such container.
   */
  inspect(containerId: string): Promise<Container | undefined>;
  /** Diff ids of an image's layers, the lowest first; empty when it does not tell. @throws CodedError as `inspect` */
  layerDigests?(image: Image): Promise<readonly string[]>;
  /** The kernel says that something has happened to this container of the runtime: it may look sooner than it would. */
  hint?(containerId: string): void;
  status(): RuntimeStatus;
  close(): Promise<void>;
}

export interface RuntimeSink {
  /** The runtime's full answer about a container. */
  inspected(container: Container): void;
  /**
   * What an event tells where there is no full answer: state and times count, the rest is used only if the container is
   * not known otherwise.
   */
  described(container: Container): void;
  renamed(containerId: string, name: string): void;
  /** Containers of this runtime that are believed to exist and not to have exited. */
  livingIds(runtime: string): string[];
}

export interface RuntimeStatus {
  name: string;
  /** False for a runtime that this host does not seem to have: nothing is missing then. */
  present: boolean;
  connected: boolean;
  /** Version of the runtime; empty until it has answered once. */
  version: string;
  /** Why it is not connected; empty when it is. */
  reason: string;
}
