import type { DnsSegment } from '../dns/segment.ts';
import type { SocketEvent } from './network-event.ts';
import type { SyscallFacts } from './syscall-arguments.ts';
import type { SyscallAbi } from './syscalls.ts';

/**
 * A decoded, typed record. Times named `…KtimeNs` are CLOCK_BOOTTIME nanoseconds since boot; 64-bit numbers are bigint
 * because cgroup ids, inodes and times exceed 2^53. pids are in the host's (initial) pid namespace.
 */
export type KernelEvent =
  | ExecEvent
  | ForkEvent
  | ExitEvent
  | CapabilityEvent
  | NamespaceEvent
  | SyscallEvent
  | FileEvent
  | SocketEvent
  | DnsSegment
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

/** How a user namespace stands to that of the program. */
export type UserNamespaceRelation = 'own' | 'ancestor' | 'descendant' | 'unrelated';

export type NamespaceKind = 'mount' | 'pid' | 'network' | 'user' | 'cgroup' | 'ipc' | 'uts' | 'time';

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
  /** When its content was last written, Unix nanoseconds; 0 when not known. Whoever owns the file can set it. */
  mtimeNs: bigint;
  /** When the file, its name or its permissions were last changed, Unix nanoseconds; 0 when not known. */
  ctimeNs: bigint;
}

export interface StdioSocket {
  fd: 0 | 1 | 2;
  family: 'ipv4' | 'ipv6' | 'unix' | 'other';
  /**
   * Of inet sockets the peer's address, of unix sockets the name of the other end ("@" before abstract ones). Empty when
   * there is no peer, or it has no name.
   */
  peerAddress: string;
  /** 0 for unix sockets. */
  peerPort: number;
  /** Of unix sockets: the process that made or accepted the other end; 0 when not known. */
  peerPid: number;
}

/** What a process may. */
export interface Privileges {
  credentials: Credentials;
  capabilities: CapabilitySets;
}

export interface ExecEvent extends TaskEventBase {
  kind: 'exec';
  /** Executions so far along the process' line of descent, this one included: grows by one with each. */
  execId: bigint;
  containerPid: number;
  parentPid: number;
  parentStartKtimeNs: bigint;
  executable: Executable;
  /** As given to execve(2); a script's path where `executable` is its interpreter; "/dev/fd/N" for fexecve(3). */
  filename: string;
  /** The name after "#!" of the script, or of the last one of a chain; empty when no script was executed. */
  interpreter: string;
  argv: readonly string[];
  argvTruncated: boolean;
  cwd: string;
  hasTty: boolean;
  /** Name of the controlling terminal, such as "pts/0"; empty when there is none. */
  tty: string;
  /** pid of the session's leader; 0 when it is outside of what can be seen. */
  sessionId: number;
  /** The user who once logged in, as audit keeps it; undefined when nobody did. */
  loginUid: number | undefined;
  /** The thread that executed, which has become the process' only one; its own pid for a leader. */
  formerTid: number;
  stdioSockets: StdioSocket[];
  credentials: Credentials;
  capabilities: CapabilitySets;
  /** What the process might before; undefined when that could not be seen. */
  before: Privileges | undefined;
  namespaces: Namespaces;
  /** How deep the user namespace is nested; 0 is the host's. */
  userLevel: number;
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
  /** The kernel wrote its memory to a file. */
  coreDumped: boolean;
}

export interface CapabilityEvent extends TaskEventBase, SyscallFacts {
  kind: 'capability';
  capability: number;
  /** "CAP_SYS_ADMIN"; "CAP_<n>" for numbers this version does not know. */
  capabilityName: string;
  syscallNumber: number;
  /** By the table of its ABI; "" outside of a syscall. */
  syscallName: string;
  syscallAbi: SyscallAbi;
  granted: boolean;
  /** The user namespace in which the capability was asked for, as seen from the program's own. */
  userNamespace: UserNamespaceRelation;
  /** It is the host's initial one: what is granted there counts for the node. */
  isInitialUserNamespace: boolean;
  /** Further occurrences of the same fact since its last record, which were counted in the kernel. */
  repeats: number;
}

/** A process is in other namespaces than before. */
export interface NamespaceEvent extends TaskEventBase {
  kind: 'namespace';
  /** Which ones. */
  changed: NamespaceKind[];
  /** Those of them that are the host's now. */
  toHost: NamespaceKind[];
  before: Record<NamespaceKind, number>;
  after: Record<NamespaceKind, number>;
  /** "clone", "clone3" where the process was made there; "" where it went by itself (unshare, setns). */
  syscallName: string;
  /** The flags of that clone: "CLONE_NEWUSER" … */
  arguments: string[];
  /** Further occurrences of the same fact since its last record, which were counted in the kernel. */
  repeats: number;
}

/** A system call of the pack, or one that a tracepoint of its own tells of. */
export interface SyscallEvent extends TaskEventBase, SyscallFacts {
  kind: 'syscall';
  syscallNumber: number;
  syscallName: string;
  /** What it returned; undefined when it failed. */
  result: bigint | undefined;
  /** 0 when it did not fail. */
  errno: number;
  /** The name of a memfd; "" for other system calls. */
  name: string;
  /** 0, 1 or 2 where a socket became that descriptor. */
  stdioFd: number | undefined;
  /** The peer of that socket; "" and 0 when it has none, or is no inet socket. */
  peerAddress: string;
  peerPort: number;
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
