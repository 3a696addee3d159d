import type { Container } from '../../proto/generated/tallyman/v1/container.ts';

/**
 * Everything the agent knows of a container is the message it reports: there is no second shape. The record of a container
 * is replaced, never changed in place, so a finding that holds one keeps what was true when it was made.
 */
export type { Container, Image, Mount, Posture } from '../../proto/generated/tallyman/v1/container.ts';
export { ContainerState } from '../../proto/generated/tallyman/v1/container.ts';

/** Which container a cgroup belongs to. */
export type CgroupLookup =
  | { state: 'container'; container: Container }
  /** A container id was recognised, the runtime has not answered for it yet: hold the event. */
  | { state: 'pending'; containerId: string }
  /** Known not to be a container (a systemd unit, the agent itself). */
  | { state: 'not-container' }
  /** The cgroup id has not been seen; its path is not known (yet). */
  | { state: 'unknown' };
