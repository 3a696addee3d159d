import { type Container, ContainerState } from './container.ts';

type Lifecycle = Pick<Container, 'state' | 'createdUnixNs' | 'startedUnixNs' | 'finishedUnixNs' | 'initPid'>;

/**
 * Joins a full answer of the runtime with what is known. Answers and events cross on their way: an answer that is older
 * than the state that is known tells everything but the state. The cgroup is never the runtime's to tell.
 */
export function mergeInspected(known: Container | undefined, incoming: Container): Container {
  if (known === undefined) return incoming;
  const { cgroupId, cgroupPath } = known;
  const lifecycle = isOutdated(known, incoming) ? lifecycleOf(known) : lifecycleOf(incoming);
  return {
    ...incoming,
    ...lifecycle,
    createdUnixNs: incoming.createdUnixNs || known.createdUnixNs,
    initPid: lifecycle.initPid || (lifecycle.startedUnixNs === known.startedUnixNs ? known.initPid : 0),
    podUid: incoming.podUid || known.podUid,
    cgroupId,
    cgroupPath,
  };
}

function isOutdated(known: Container, incoming: Container): boolean {
  switch (incoming.state) {
    case ContainerState.RUNNING:
      return known.state === ContainerState.EXITED && incoming.startedUnixNs <= known.finishedUnixNs;
    case ContainerState.EXITED:
      if (known.state === ContainerState.RUNNING) return incoming.finishedUnixNs < known.startedUnixNs;
      return known.state === ContainerState.EXITED && incoming.finishedUnixNs <= known.finishedUnixNs;
    case ContainerState.CREATED:
      return known.state === ContainerState.RUNNING || known.state === ContainerState.EXITED;
    default:
      return true;
  }
}

/** Joins what an event tells with what is known: only its state and times count where anything is known. */
export function mergeDescribed(known: Container | undefined, event: Container): Container {
  if (known === undefined) return event;
  if (event.state === ContainerState.RUNNING) {
    const startedBefore = known.state === ContainerState.EXITED && event.startedUnixNs <= known.finishedUnixNs;
    if (known.state === ContainerState.RUNNING || startedBefore) return known;
    return { ...known, state: event.state, startedUnixNs: event.startedUnixNs, finishedUnixNs: 0n, initPid: 0 };
  }
  if (event.state === ContainerState.EXITED) {
    const endedBefore = known.state === ContainerState.RUNNING && event.finishedUnixNs < known.startedUnixNs;
    if (known.state === ContainerState.EXITED || endedBefore) return known;
    return { ...known, state: event.state, finishedUnixNs: event.finishedUnixNs };
  }
  return known;
}

function lifecycleOf(container: Container): Lifecycle {
  const { state, createdUnixNs, startedUnixNs, finishedUnixNs, initPid } = container;
  return { state, createdUnixNs, startedUnixNs, finishedUnixNs, initPid };
}
