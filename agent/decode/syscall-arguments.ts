import {
  bpfCommands, cloneFlags, fcntlCommands, keyctlOperations, mknodTypes, mountFlags, prctlOptions, ptraceRequests, rebootCommands,
  socketFamilies, socketTypes, syslogActions, umountFlags,
} from './syscall-constants.ts'; // biome-ignore format: one line a name would fill the screen

/** What the arguments of a syscall say. Ids are those of the caller's namespaces. */
export interface SyscallFacts {
  /** By their names in the kernel's headers: "CLONE_NEWUSER", "PTRACE_ATTACH", "AF_PACKET"; numbers without a name in hex. */
  arguments: string[];
  /** Whom it wants to become; undefined where no argument says so, or it is to stay. */
  targetUid: number | undefined;
  targetGid: number | undefined;
  /** Whom it acts on. */
  targetPid: number | undefined;
}

type Names = ReadonlyMap<number, string>;

/** How one argument is read. `mask`: the bits that make two calls different. */
type Argument =
  | { index: number; as: 'word' | 'flags'; mask: number; names: Names; isKey: boolean }
  | { index: number; as: 'uid' | 'gid'; mask: number; isKey: true }
  | { index: number; as: 'pid'; mask: number; isKey: false };

const allBits = 0xffff_ffff;

function word(index: number, names: Names, mask: number = allBits): Argument {
  return { index, as: 'word', mask, names, isKey: true };
}

function flags(index: number, names: Names): Argument {
  return { index, as: 'flags', mask: [...names.keys()].reduce((all, bit) => (all | bit) >>> 0, 0), names, isKey: true };
}

const uid = (index: number): Argument => ({ index, as: 'uid', mask: allBits, isKey: true });
const gid = (index: number): Argument => ({ index, as: 'gid', mask: allBits, isKey: true });
const pid = (index: number): Argument => ({ index, as: 'pid', mask: allBits, isKey: false });
const noNames: Names = new Map();

/** Of several ids the effective one comes last: it is the one that counts. At most two arguments of a syscall are keys. */
const shapes: Readonly<Record<string, readonly Argument[]>> = {
  bpf: [word(0, bpfCommands)],
  clone: [flags(0, cloneFlags)],
  clone3: [flags(0, cloneFlags)],
  fcntl: [word(1, fcntlCommands)],
  ioctl: [word(1, noNames)],
  keyctl: [word(0, keyctlOperations)],
  kill: [pid(0)],
  mknod: [word(1, mknodTypes, 0o170000)],
  mknodat: [word(2, mknodTypes, 0o170000)],
  mount: [flags(3, mountFlags)],
  perf_event_open: [pid(1)],
  prctl: [word(0, prctlOptions)],
  process_vm_readv: [pid(0)],
  process_vm_writev: [pid(0)],
  ptrace: [word(0, ptraceRequests), pid(1)],
  reboot: [word(2, rebootCommands)],
  setfsgid: [gid(0)],
  setfsuid: [uid(0)],
  setgid: [gid(0)],
  setns: [flags(1, cloneFlags)],
  setregid: [gid(0), gid(1)],
  setresgid: [gid(0), gid(1)],
  setresuid: [uid(0), uid(1)],
  setreuid: [uid(0), uid(1)],
  setuid: [uid(0)],
  socket: [word(0, socketFamilies, 0xffff), word(1, socketTypes, 0xf)],
  syslog: [word(0, syslogActions)],
  umount2: [flags(1, umountFlags)],
  unshare: [flags(0, cloneFlags)],
};

/** i386 has syscalls such as setuid32 beside those of the first kernels; arguments and meaning are the same. */
function shapeOf(syscall: string): readonly Argument[] {
  return shapes[syscall] ?? shapes[syscall.replace(/32$/, '')] ?? [];
}

/** @param values The argument registers; what does not fit a 32-bit argument is cut, as the kernel does. */
export function syscallFacts(syscall: string, values: readonly bigint[]): SyscallFacts {
  const facts: SyscallFacts = { arguments: [], targetUid: undefined, targetGid: undefined, targetPid: undefined };
  for (const argument of shapeOf(syscall)) {
    const value = Number((values[argument.index] ?? 0n) & BigInt(argument.mask));
    if (argument.as === 'word') facts.arguments.push(argument.names.get(value) ?? hex(value));
    else if (argument.as === 'flags') facts.arguments.push(...flagNames(value, argument.names));
    else if (argument.as === 'pid') facts.targetPid = isProcess(value) ? value : undefined;
    else if (value === allBits) continue;
    else if (argument.as === 'uid') facts.targetUid = value;
    else facts.targetGid = value;
  }
  return facts;
}

/** The arguments that make two calls of a syscall different facts, with the bits of each that do; at most two. */
export function keyArguments(syscall: string): { index: number; mask: number }[] {
  return shapeOf(syscall)
    .filter((argument) => argument.isKey)
    .map(({ index, mask }) => ({ index, mask }));
}

/** 0 means the caller, what is negative a group or nobody. */
function isProcess(value: number): boolean {
  return value > 0 && value <= 0x7fff_ffff;
}

function flagNames(value: number, names: Names): string[] {
  return [...names].filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
