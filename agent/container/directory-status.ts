import { type Container, ContainerState } from './container.ts';
import type { ContainerRuntime, RuntimeStatus } from './runtime.ts';

export interface ContainerDirectoryStatus {
  runtimes: RuntimeStatus[];
  /** Without the sandboxes of pods. */
  runningContainers: number;
  /**
   * Those of them whose processes are in no cgroup v2 of theirs, as older runtimes leave it where v1 is mounted, too: what
   * they do cannot be told from what the host does, and is not seen.
   */
  withoutCgroup: number;
  knownContainers: number;
  cgroups: number;
}

export function directoryStatus(
  runtimes: readonly ContainerRuntime[],
  containers: readonly Container[],
  cgroups: number,
): ContainerDirectoryStatus {
  const running = containers.filter(({ state, sandbox }) => state === ContainerState.RUNNING && !sandbox);
  return {
    runtimes: runtimes.map((runtime) => runtime.status()),
    runningContainers: running.length,
    withoutCgroup: running.filter(({ initPid, cgroupId }) => initPid > 0 && cgroupId === 0n).length,
    knownContainers: containers.length,
    cgroups,
  };
}
