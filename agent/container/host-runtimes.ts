import { realpathSync } from 'node:fs';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { readApparmorEnabled } from './apparmor.ts';
import { CriRuntime } from './cri/cri-runtime.ts';
import type { HostProbes } from './cri/oci-posture.ts';
import { DockerRuntime } from './docker.ts';
import { hostNamespaceProbe } from './namespace-probe.ts';
import { OptionalRuntime } from './optional-runtime.ts';
import type { ContainerRuntime } from './runtime.ts';
import { hostSocketProbe } from './runtime-sockets.ts';

export interface HostRuntimesOptions {
  /** Docker's socket; where it usually is, or DOCKER_HOST, when undefined. Docker need not be there then. */
  dockerSocket?: string | undefined;
  /** Sockets of CRI runtimes that are there; where they usually are when empty, as far as they are there. */
  criSockets: readonly string[];
  procRoot: string;
  logger: Logger;
  metrics: Metrics;
}

export const dockerSocketPath = '/run/docker.sock';
export const podmanSocketPath = '/run/podman/podman.sock';
/** Where CRI runtimes have their sockets. cri-dockerd is left out: its containers are Docker's. */
export const criSocketPaths = [
  '/run/containerd/containerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/crio/crio.sock',
];

/** The path on the host, and where the host's files are mounted when the agent runs in a container. */
export function socketPlaces(path: string): string[] {
  return [path, `/host${path}`];
}

export function hostProbes(procRoot: string): HostProbes {
  return {
    socket: hostSocketProbe(procRoot),
    namespace: hostNamespaceProbe(procRoot),
    apparmor: readApparmorEnabled,
  };
}

/** The container runtimes of this host, each on its own: one that is away does not keep the others. */
export function hostRuntimes(options: HostRuntimesOptions): ContainerRuntime[] {
  return [dockerRuntime(options), podmanRuntime(options), ...criRuntimes(options)];
}

function dockerRuntime({ dockerSocket, procRoot, logger, metrics }: HostRuntimesOptions): ContainerRuntime {
  const parts = { probe: hostSocketProbe(procRoot), logger, metrics };
  if (dockerSocket !== undefined) return new DockerRuntime({ ...parts, socketPath: dockerSocket });
  if (process.env.DOCKER_HOST !== undefined) return new DockerRuntime(parts);
  return new OptionalRuntime({
    name: 'docker',
    socketPaths: socketPlaces(dockerSocketPath),
    create: (socketPath) => new DockerRuntime({ ...parts, socketPath }),
  });
}

/** podman's service speaks Docker's API; without it, podman's containers are known by their cgroups only. */
function podmanRuntime({ dockerSocket, procRoot, logger, metrics }: HostRuntimesOptions): ContainerRuntime {
  const parts = { runtimeName: 'podman', probe: hostSocketProbe(procRoot), logger, metrics };
  const docker = dockerSocket === undefined ? socketPlaces(dockerSocketPath) : [dockerSocket];
  // Where podman stands in for Docker, both names lead to one socket.
  const isDocker = (path: string): boolean => docker.some((other) => realPath(other) === realPath(path));
  return new OptionalRuntime({
    name: 'podman',
    socketPaths: socketPlaces(podmanSocketPath).filter((path) => !isDocker(path)),
    create: (socketPath) => new DockerRuntime({ ...parts, socketPath }),
  });
}

function criRuntimes({ criSockets, procRoot, logger }: HostRuntimesOptions): ContainerRuntime[] {
  const probes = hostProbes(procRoot);
  if (criSockets.length > 0) return criSockets.map((socketPath) => new CriRuntime({ socketPath, probes, logger }));
  return criSocketPaths.map(
    (path) =>
      new OptionalRuntime({
        name: path.includes('crio') ? 'cri-o' : 'containerd',
        socketPaths: socketPlaces(path),
        create: (socketPath) => new CriRuntime({ socketPath, probes, logger, optional: true }),
      }),
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
