import type { CapabilitySets, Credentials } from './kernel-event.ts';
import { readSampledTask, SampledFlag } from './layout.generated.ts';
import { decodeCString } from './text.ts';

/** nsfs inode numbers; `pid` is that of future children, as in an exec record. */
export interface SampledNamespaces {
  mount: number;
  pid: number;
  network: number;
  user: number;
  cgroup: number;
  uts: number;
  ipc: number;
}

export type NamespaceName = keyof SampledNamespaces;

/** One task of a container as the kernel's task iterator saw it. Threads other than the first come where they differ from it. */
export interface SampledTask {
  ktimeNs: bigint;
  /** Of the process, not of the thread. */
  startKtimeNs: bigint;
  pid: number;
  tid: number;
  comm: string;
  cgroupId: bigint;
  /** Executions so far along the process' line of descent. */
  execId: bigint;
  parentPid: number;
  parentStartKtimeNs: bigint;
  parentCgroupId: bigint;
  /** In the innermost pid namespace. */
  containerPid: number;
  /** Undefined: nobody traces it. */
  tracer: { pid: number; startKtimeNs: bigint; cgroupId: bigint; seized: boolean } | undefined;
  executable: { device: number; inode: bigint; unlinked: boolean };
  credentials: Credentials;
  capabilities: CapabilitySets;
  namespaces: SampledNamespaces;
  /** How deep the user namespace is nested; 0 is the host's. */
  userLevel: number;
  /** SECBIT_… of linux/securebits.h. */
  secureBits: number;
  noNewPrivileges: boolean;
  /** 0 none, 1 strict, 2 filter. */
  seccompMode: number;
  stdioSockets: { stdin: boolean; stdout: boolean; stderr: boolean };
  /** The programs' table of processes has it: it is past the runtime's set-up. */
  listed: boolean;
  /** The first thread has ended and others go on: namespaces and executable are not known. */
  leaderExited: boolean;
}

/** PTRACE_SEIZE was used, not PTRACE_ATTACH or PTRACE_TRACEME. @see include/linux/ptrace.h of the kernel */
const ptSeized = 0x10000;

/** The result holds no reference to the buffer. */
export function decodeSampledTask(view: DataView, at: number): SampledTask {
  const record = readSampledTask(view, at);
  const { userLevel, ...namespaces } = record.namespaces;
  const has = (flag: number): boolean => (record.flags & flag) !== 0;
  return {
    ktimeNs: record.head.ktimeNs,
    startKtimeNs: record.head.startKtimeNs,
    pid: record.head.pid,
    tid: record.head.tid,
    comm: decodeCString(record.comm),
    cgroupId: record.cgroupId,
    execId: record.execId,
    parentPid: record.parentPid,
    parentStartKtimeNs: record.parentStartKtimeNs,
    parentCgroupId: record.parentCgroupId,
    containerPid: record.containerPid,
    tracer:
      record.tracerPid === 0
        ? undefined
        : {
            pid: record.tracerPid,
            startKtimeNs: record.tracerStartKtimeNs,
            cgroupId: record.tracerCgroupId,
            seized: (record.ptraceFlags & ptSeized) !== 0,
          },
    executable: {
      device: record.executableDevice,
      inode: record.executableInode,
      unlinked: has(SampledFlag.SAMPLED_EXECUTABLE_UNLINKED),
    },
    credentials: record.credentials,
    capabilities: record.capabilities,
    namespaces,
    userLevel,
    secureBits: record.secureBits,
    noNewPrivileges: has(SampledFlag.SAMPLED_NO_NEW_PRIVILEGES),
    seccompMode: record.seccompMode,
    stdioSockets: {
      stdin: has(SampledFlag.SAMPLED_STDIN_SOCKET),
      stdout: has(SampledFlag.SAMPLED_STDOUT_SOCKET),
      stderr: has(SampledFlag.SAMPLED_STDERR_SOCKET),
    },
    listed: has(SampledFlag.SAMPLED_LISTED),
    leaderExited: has(SampledFlag.SAMPLED_LEADER_EXITED),
  };
}
