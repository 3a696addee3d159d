import { blankContainer } from './blank-container.ts';
import type { CgroupMember } from './cgroup-members.ts';
import { type Container, ContainerState } from './container.ts';

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
    ...blankContainer(unknownRuntime, id, containerId === undefined ? id : containerId.slice(0, 12)),
    cgroupId,
    cgroupPath: member?.cgroup.path ?? '',
    state: ContainerState.RUNNING,
    podUid: member?.podUid ?? '',
  };
}
