import type { CgroupMember } from './cgroup-members.ts';
import { type Container, ContainerState } from './container.ts';
import { unknownPosture } from './posture.ts';

/** What stands in for the runtime, and the namespace, that nobody told. */
export const unknownRuntime = 'unknown';

/**
 * A container as far as its cgroup tells: no runtime has answered for it. Without even a path (its cgroup came and went
 * unseen) the cgroup's own id names it.
 */
export function assumedContainer(
  containerId: string | undefined,
  cgroupId: bigint,
  member: CgroupMember | undefined,
): Container {
  const id = containerId ?? `cgroup-${cgroupId}`;
  return {
    id,
    name: containerId === undefined ? id : containerId.slice(0, 12),
    runtime: unknownRuntime,
    image: undefined,
    posture: unknownPosture(),
    labels: {},
    createdUnixNs: 0n,
    startedUnixNs: 0n,
    finishedUnixNs: 0n,
    initPid: 0,
    cgroupId,
    cgroupPath: member?.cgroup.path ?? '',
    state: ContainerState.RUNNING,
    namespace: unknownRuntime,
    podName: '',
    podUid: member?.podUid ?? '',
  };
}
