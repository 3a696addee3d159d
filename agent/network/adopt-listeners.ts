import { join } from 'node:path';
import type { Attributor } from '../container/attributor.ts';
import { ContainerState } from '../container/container.ts';
import type { ContainerDirectory } from '../container/container-directory.ts';
import { decodeAddress } from '../decode/address.ts';
import type { TcpStateEvent } from '../decode/network-event.ts';
import { readCgroupPids, readProcess } from '../process/proc-reader.ts';
import type { ProcessTree } from '../process/process-tree.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import type { ListenerEntry } from '../sensor/listener-entry.ts';
import type { Sensor } from '../sensor/sensor.ts';
import { readListeners } from './proc-listeners.ts';

export interface AdoptOptions {
  procRoot: string;
  cgroupId: bigint;
  /** Processes of the container. */
  pids: readonly number[];
  adopt: (entry: ListenerEntry) => void;
  /** When a process was created, to the nanosecond; undefined where only /proc knows it, to the tick. */
  startOf: (pid: number) => bigint | undefined;
  /** Takes the event that each of them would have been. */
  onEvent: (event: TcpStateEvent) => void;
}

export interface AdoptStages {
  directory: Pick<ContainerDirectory, 'list'>;
  sensor: Pick<Sensor, 'tables'>;
  tree: Pick<ProcessTree, 'findLatest'>;
  attributor: Pick<Attributor, 'onEvent'>;
  cgroupRoot: string;
  procRoot: string;
}

const familyInet = 2;
const familyInet6 = 10;

/** The sockets that listen in the containers that run. */
export async function adoptRunningListeners(stages: AdoptStages): Promise<void> {
  const { directory, sensor, tree, attributor, cgroupRoot, procRoot } = stages;
  for (const { state, cgroupPath, cgroupId } of directory.list()) {
    if (state !== ContainerState.RUNNING || cgroupPath === '') continue;
    await adoptListeners({
      ...{ procRoot, cgroupId, pids: await readCgroupPids(join(cgroupRoot, cgroupPath)) },
      adopt: (entry) => sensor.tables.adoptListener(entry),
      startOf: (pid) => tree.findLatest(pid)?.startKtimeNs,
      onEvent: (event) => attributor.onEvent(event),
    });
  }
}

/** Sockets of a container that listened before the agent: what comes in is theirs, and that they listen is told once. */
export async function adoptListeners({
  procRoot,
  cgroupId,
  pids,
  adopt,
  startOf,
  onEvent,
}: AdoptOptions): Promise<void> {
  for (const listener of await readListeners(procRoot, pids)) {
    const process = readProcess(procRoot, listener.pid);
    if (process === undefined) continue;
    const startKtimeNs = startOf(listener.pid) ?? process.startKtimeNs;
    const entry = { ...listener, startKtimeNs, comm: process.comm, cgroupId };
    adopt(entry);
    onEvent(listeningEvent(entry));
  }
}

function listeningEvent(entry: ListenerEntry): TcpStateEvent {
  const { pid, startKtimeNs, comm, cgroupId, address, port } = entry;
  const bytes = new Uint8Array(16);
  bytes.set(address);
  const local = decodeAddress(address.length === 4 ? familyInet : familyInet6, bytes);
  return {
    ...{ kind: 'tcp', state: 'listening', ktimeNs: readClockNs(Clock.boottime) },
    ...{ pid, tid: pid, startKtimeNs, comm, cgroupId },
    ...{ family: local?.family ?? 'ipv4', localAddress: local?.text ?? '', localPort: port },
    ...{ remoteAddress: '', remotePort: 0, remoteNames: [], failure: '', errorNumber: 0, repeats: 0 },
  };
}
