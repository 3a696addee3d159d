/**
 * A decoded, typed record. Times named `…KtimeNs` are CLOCK_BOOTTIME nanoseconds since boot; 64-bit numbers are bigint
 * because cgroup ids, inodes and times exceed 2^53. pids are in the host's (initial) pid namespace.
 */
export type KernelEvent =
  | ExecEvent
  | ForkEvent
  | ExitEvent
  | CapabilityEvent
  | ConnectEvent
  | TcpStateEvent
  | FileEvent
  | CgroupMkdirEvent
  | CgroupRmdirEvent
  | ThrottleEvent;

export type KernelEventKind = KernelEvent['kind'];

export interface TaskEventBase {
  /** When it happened. */
  ktimeNs: bigint;
  /** cgroup v2 id (inode of the cgroup directory) of the acting task. */
  cgroupId: bigint;
  pid: number;
  tid: number;
  /** When the process was created: (boot, pid, start) is its identity. */
  startKtimeNs: bigint;
  comm: string;
}

export interface Credentials {
  uid: number;
  gid: number;
  euid: number;
  egid: number;
  suid: number;
  sgid: number;
}

/** Bit n is capability number n of linux/capability.h. */
export interface CapabilitySets {
  effective: bigint;
  permitted: bigint;
  inheritable: bigint;
  bounding: bigint;
  ambient: bigint;
}

/** nsfs inode numbers. */
export interface Namespaces {
  mount: number;
  pid: number;
  network: number;
  user: number;
}

export type ExecutableLayer = 'image' | 'writable' | 'tmpfs' | 'mount' | 'memfd' | 'unknown';

export interface Executable {
  /** Path in the container's mount namespace as resolved by the kernel; "memfd:name" for memfds. */
  path: string;
  /** True when the path had more components than the record holds; `path` is then its tail. */
  pathTruncated: boolean;
  layer: ExecutableLayer;
  /** The file had no name left when it was executed. */
  unlinked: boolean;
  device: number;
  inode: bigint;
  setuid: boolean;
  setgid: boolean;
}

export interface StdioSocket {
  fd: 0 | 1 | 2;
  family: 'ipv4' | 'ipv6' | 'unix' | 'other';
  /** Empty when not connected or no inet socket. */
  peerAddress: string;
  peerPort: number;
}

export interface ExecEvent extends TaskEventBase {
  kind: 'exec';
  containerPid: number;
  parentPid: number;
  parentStartKtimeNs: bigint;
  executable: Executable;
  /** As given to execve(2); a script's path where `executable` is its interpreter. */
  filename: string;
  argv: string[];
  argvTruncated: boolean;
  cwd: string;
  hasTty: boolean;
  stdioSockets: StdioSocket[];
  credentials: Credentials;
  capabilities: CapabilitySets;
  namespaces: Namespaces;
  secureExec: boolean;
  /** The first exec of a task whose parent is outside the container: its first program, or a docker exec. */
  fromOutside: boolean;
}

export interface ForkEvent extends TaskEventBase {
  kind: 'fork';
  /** The acting task is the parent. */
  childPid: number;
  childStartKtimeNs: bigint;
  childContainerPid: number;
}

export interface ExitEvent extends TaskEventBase {
  kind: 'exit';
  exitCode: number;
  /** 0 when it exited by itself. */
  exitSignal: number;
}

export interface CapabilityEvent extends TaskEventBase {
  kind: 'capability';
  capability: number;
  /** "CAP_SYS_ADMIN"; "CAP_<n>" for numbers this version does not know. */
  capabilityName: string;
  syscallNumber: number;
  syscallName: string;
  granted: boolean;
  /** Further occurrences of the same fact since its last record, which were counted in the kernel. */
  repeats: number;
}

export interface ConnectEvent extends TaskEventBase {
  kind: 'connect';
  transport: 'tcp' | 'udp' | 'other';
  family: 'ipv4' | 'ipv6';
  /** Canonical text; v4-mapped IPv6 addresses are given as IPv4. */
  remoteAddress: string;
  remotePort: number;
  /** Further occurrences of the same fact since its last record, which were counted in the kernel. */
  repeats: number;
}

export interface TcpStateEvent extends TaskEventBase {
  kind: 'tcp';
  state: 'established' | 'failed' | 'listening';
  family: 'ipv4' | 'ipv6';
  localAddress: string;
  localPort: number;
  /** Empty and 0 for listening sockets. */
  remoteAddress: string;
  remotePort: number;
  /** Further occurrences of the same fact since its last record, which were counted in the kernel. */
  repeats: number;
}

export interface CgroupMkdirEvent {
  kind: 'cgroup-mkdir';
  ktimeNs: bigint;
  cgroupId: bigint;
  /** Relative to the root of the cgroup v2 hierarchy. */
  path: string;
}

export interface CgroupRmdirEvent {
  kind: 'cgroup-rmdir';
  ktimeNs: bigint;
  cgroupId: bigint;
  path: string;
}

/** A container has begun to lose records of one type because its budget is used up. */
export interface ThrottleEvent {
  kind: 'throttle';
  ktimeNs: bigint;
  cgroupId: bigint;
  /** cgroup id of the container itself. */
  containerKey: bigint;
  /** Name of the record type. */
  lostType: string;
}

/** What happened to a watched file or in a watched directory of a container; from fanotify, not from a BPF program. */
export interface FileEvent extends TaskEventBase {
  kind: 'file';
  operation: FileOperation;
  /** In the container, by the name it was reached by. */
  path: string;
  /** What a symbolic link says, the watched file a hard link is a name of, the former path of what was renamed; or empty. */
  target: string;
  /** Category of a link's target; empty when that is not watched. */
  targetCategory: string;
  /** Why it is watched: "credential", "cron"; from the list of watched files. */
  category: string;
  /** The watched file or directory. */
  watchedPath: string;
  fileType: FileType | 'unknown';
  /** Permission bits with setuid, setgid and sticky; undefined when nobody looked or it was gone. */
  mode: number | undefined;
  sizeBytes: number | undefined;
  /** Further occurrences of the same fact since it was last told. */
  repeats: number;
}

/** What can be done to a file, in the words of the list of watched files and of rules. */
export const fileOperations = [
  'open',
  'read',
  'write',
  'truncate',
  'create',
  'delete',
  'rename',
  'link',
  'symlink',
  'mknod',
  'chmod',
] as const;
export type FileOperation = (typeof fileOperations)[number];

export const fileTypes = [
  'regular',
  'directory',
  'symlink',
  'block-device',
  'character-device',
  'fifo',
  'socket',
] as const;
export type FileType = (typeof fileTypes)[number];
