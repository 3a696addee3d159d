import { type Container, ContainerState } from './container.ts';
import { unknownPosture } from './posture.ts';

/** A record of which nothing is known but its id, its name and the runtime that has it. */
export function blankContainer(runtime: string, id: string, name: string): Container {
  return {
    id,
    name,
    runtime,
    image: undefined,
    posture: unknownPosture(),
    labels: {},
    createdUnixNs: 0n,
    startedUnixNs: 0n,
    finishedUnixNs: 0n,
    initPid: 0,
    cgroupId: 0n,
    cgroupPath: '',
    state: ContainerState.UNSPECIFIED,
    namespace: runtime,
    podName: '',
    podUid: '',
    sandbox: false,
    restartCount: 0,
    unusedCapabilities: [],
    healthCheck: '',
    healthCheckCommand: [],
  };
}
