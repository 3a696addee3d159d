import type { Logger } from '../../common/logger.ts';
import { CgroupVerdict, cgroupEntryBytes, layouts, processEntryBytes } from '../decode/layout.generated.ts';
import { forgetContainerLosses } from './ledger.ts';
import type { Libbpf } from './libbpf.ts';
import { encodeListener, type ListenerEntry } from './listener-entry.ts';
import type { LoadedSensor } from './loader.ts';
import { syscallTraitRows } from './syscall-traits.ts';

/** What the programs keep of a process; see struct process_entry. */
export interface AdoptedProcess {
  startKtimeNs: bigint;
  executableInode: bigint;
  executableDevice: number;
}

const [startOffset, inodeOffset, deviceOffset] = processEntryOffsets();

const noReplace = 1;

/** The tables of the BPF programs that user space fills. */
export class SensorTables {
  readonly #libbpf: Libbpf;
  readonly #loaded: Pick<LoadedSensor, 'mapFd'>;
  readonly #logger: Logger;

  constructor(libbpf: Libbpf, loaded: Pick<LoadedSensor, 'mapFd'>, logger: Logger) {
    this.#libbpf = libbpf;
    this.#loaded = loaded;
    this.#logger = logger;
    this.#fillSyscallTraits();
  }

  /** `containerKey` is the cgroup id of the container that the cgroup is part of: all its parts share budgets. */
  setVerdict(cgroupId: bigint, verdict: 'watch' | 'ignore', containerKey = 0n): void {
    const value = Buffer.alloc(cgroupEntryBytes);
    value.writeUInt32LE(verdict === 'watch' ? CgroupVerdict.CGROUP_WATCH : CgroupVerdict.CGROUP_IGNORE);
    value.writeBigUInt64LE(containerKey, 8);
    if (this.#libbpf.updateElement(this.#loaded.mapFd('cgroups'), cgroupKey(cgroupId), value, 0) !== 0)
      this.#logger.warn(
        { cgroupId: String(cgroupId), errno: this.#libbpf.errno() },
        'the cgroup table of the sensor is full',
      );
  }

  /** A removed cgroup: nothing can happen in it any more. */
  forgetCgroup(cgroupId: bigint): void {
    this.#libbpf.deleteElement(this.#loaded.mapFd('cgroups'), cgroupKey(cgroupId));
    forgetContainerLosses(this.#libbpf, this.#loaded.mapFd('container_losses'), cgroupId);
  }

  /**
   * Tells the programs that a process ran inside a container before they were attached. Without `details` its start is left
   * open (0).
   */
  adoptProcess(pid: number, details?: AdoptedProcess): void {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(pid);
    const value = Buffer.alloc(processEntryBytes);
    if (details !== undefined) {
      value.writeBigUInt64LE(details.startKtimeNs, startOffset);
      value.writeBigUInt64LE(details.executableInode, inodeOffset);
      value.writeUInt32LE(details.executableDevice, deviceOffset);
    }
    this.#libbpf.updateElement(this.#loaded.mapFd('processes'), key, value, noReplace);
  }

  /** Tells the programs of a socket that listened before they were attached. */
  adoptListener(entry: ListenerEntry): void {
    const { key, value } = encodeListener(entry);
    const port = Buffer.alloc(4);
    port.writeUInt32LE(entry.port);
    this.#libbpf.updateElement(this.#loaded.mapFd('listener_ports'), port, Buffer.from([1]), 0);
    this.#libbpf.updateElement(this.#loaded.mapFd('listeners'), key, value, noReplace);
  }

  #fillSyscallTraits(): void {
    const fd = this.#loaded.mapFd('syscall_traits');
    const key = Buffer.alloc(4);
    for (const { index, value } of syscallTraitRows()) {
      key.writeUInt32LE(index);
      this.#libbpf.updateElement(fd, key, value, 0);
    }
  }
}

function processEntryOffsets(): [number, number, number] {
  const layout = layouts.find(({ name }) => name === 'process_entry');
  const offsetOf = (name: string): number => layout?.fields.find((field) => field.name === name)?.offset ?? 0;
  return [offsetOf('start_ktime_ns'), offsetOf('executable_inode'), offsetOf('executable_device')];
}

function cgroupKey(cgroupId: bigint): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(cgroupId);
  return key;
}
