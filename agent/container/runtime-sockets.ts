import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';

/** File names under which runtimes put their control sockets, wherever they are (rootless runtimes use /run/user). */
const runtimesByName = new Map([
  ['docker.sock', 'docker'],
  ['containerd.sock', 'containerd'],
  ['crio.sock', 'cri-o'],
  ['podman.sock', 'podman'],
  ['cri-dockerd.sock', 'docker'],
  ['dockershim.sock', 'docker'],
  ['buildkitd.sock', 'buildkit'],
]);

/** The runtime whose control socket has this path; empty when it is none. */
export function runtimeOfSocket(path: string): string {
  return runtimesByName.get(posix.basename(path)) ?? '';
}

/** Where the runtimes put them by default, without the /var/run alias of /run. */
const defaultSockets = [
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/podman/podman.sock',
  '/run/cri-dockerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
];

/** Whether a host path is a socket now; undefined when that cannot be told. */
export type SocketProbe = (hostPath: string) => boolean | undefined;

/** Looks at the host's files as its first process sees them, wherever the agent runs. */
export function hostSocketProbe(procRoot: string): SocketProbe {
  const hostRoot = join(procRoot, '1/root');
  // Without the right to look there, nothing can be told.
  return (hostPath) => (existsSync(join(hostRoot, hostPath)) ? true : existsSync(hostRoot) ? false : undefined);
}

/**
 * Host paths of the runtime sockets that a mount of `source` gives access to: the socket itself, or those below a
 * mounted directory such as /run or /. Default sockets below a directory count unless the probe says they are not there.
 */
export function runtimeSocketsIn(source: string, probe: SocketProbe): string[] {
  if (!source.startsWith('/')) return [];
  const written = posix.normalize(source);
  if (runtimeOfSocket(written) !== '') return [written];
  const path = withoutAlias(written);
  const prefix = path.endsWith('/') ? path : `${path}/`;
  // /var holds the symbolic link /var/run, which leads out of the mount: only what really lies below counts.
  return defaultSockets.filter((socket) => socket.startsWith(prefix) && probe(socket) !== false);
}

function withoutAlias(path: string): string {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return trimmed === '/var/run' || trimmed.startsWith('/var/run/') ? trimmed.slice('/var'.length) : trimmed;
}
