/**
 * Names of syscall arguments, from the kernel's uapi headers. They are the same on x86-64, i386 and arm64.
 * @see https://man7.org/linux/man-pages/dir_section_2.html
 */
type Names = ReadonlyMap<number, string>;

/** Consecutive numbers from `first`. */
function numbered(prefix: string, first: number, names: string): Names {
  return new Map(names.split(' ').map((name, index) => [first + index, prefix + name]));
}

/** linux/sched.h, those about namespaces. */
export const cloneFlags: Names = new Map([
  [0x0000_0080, 'CLONE_NEWTIME'],
  [0x0002_0000, 'CLONE_NEWNS'],
  [0x0200_0000, 'CLONE_NEWCGROUP'],
  [0x0400_0000, 'CLONE_NEWUTS'],
  [0x0800_0000, 'CLONE_NEWIPC'],
  [0x1000_0000, 'CLONE_NEWUSER'],
  [0x2000_0000, 'CLONE_NEWPID'],
  [0x4000_0000, 'CLONE_NEWNET'],
]);

/** linux/fcntl.h, those that duplicate descriptors. */
export const fcntlCommands: Names = new Map([
  [0, 'F_DUPFD'],
  [1030, 'F_DUPFD_CLOEXEC'],
]);

/** linux/mount.h */
export const mountFlags: Names = new Map([
  [0x1, 'MS_RDONLY'],
  [0x2, 'MS_NOSUID'],
  [0x4, 'MS_NODEV'],
  [0x8, 'MS_NOEXEC'],
  [0x20, 'MS_REMOUNT'],
  [0x1000, 'MS_BIND'],
  [0x2000, 'MS_MOVE'],
  [0x4000, 'MS_REC'],
  [1 << 17, 'MS_UNBINDABLE'],
  [1 << 18, 'MS_PRIVATE'],
  [1 << 19, 'MS_SLAVE'],
  [1 << 20, 'MS_SHARED'],
]);

export const umountFlags: Names = new Map([
  [1, 'MNT_FORCE'],
  [2, 'MNT_DETACH'],
  [4, 'MNT_EXPIRE'],
  [8, 'UMOUNT_NOFOLLOW'],
]);

/** linux/socket.h */
export const socketFamilies: Names = new Map([
  [1, 'AF_UNIX'],
  [2, 'AF_INET'],
  [10, 'AF_INET6'],
  [15, 'AF_KEY'],
  [16, 'AF_NETLINK'],
  [17, 'AF_PACKET'],
  [29, 'AF_CAN'],
  [31, 'AF_BLUETOOTH'],
  [38, 'AF_ALG'],
  [40, 'AF_VSOCK'],
  [44, 'AF_XDP'],
]);

/** linux/net.h */
export const socketTypes: Names = new Map([
  [1, 'SOCK_STREAM'],
  [2, 'SOCK_DGRAM'],
  [3, 'SOCK_RAW'],
  [4, 'SOCK_RDM'],
  [5, 'SOCK_SEQPACKET'],
  [10, 'SOCK_PACKET'],
]);

/** linux/ptrace.h */
export const ptraceRequests: Names = new Map([
  ...numbered('PTRACE_', 0, 'TRACEME PEEKTEXT PEEKDATA PEEKUSR POKETEXT POKEDATA POKEUSR CONT KILL SINGLESTEP'),
  ...numbered('PTRACE_', 12, 'GETREGS SETREGS GETFPREGS SETFPREGS ATTACH DETACH'),
  [24, 'PTRACE_SYSCALL'],
  ...numbered('PTRACE_', 0x4200, 'SETOPTIONS GETEVENTMSG GETSIGINFO SETSIGINFO GETREGSET SETREGSET SEIZE INTERRUPT'),
  ...numbered('PTRACE_', 0x4208, 'LISTEN PEEKSIGINFO GETSIGMASK SETSIGMASK SECCOMP_GET_FILTER SECCOMP_GET_METADATA'),
  [0x420e, 'PTRACE_GET_SYSCALL_INFO'],
  [0x420f, 'PTRACE_GET_RSEQ_CONFIGURATION'],
]);

/** linux/prctl.h, those that the kernel asks a capability for, and those about privilege. */
export const prctlOptions: Names = new Map([
  [4, 'PR_SET_DUMPABLE'],
  [8, 'PR_SET_KEEPCAPS'],
  [22, 'PR_SET_SECCOMP'],
  [24, 'PR_CAPBSET_DROP'],
  [28, 'PR_SET_SECUREBITS'],
  [33, 'PR_MCE_KILL'],
  [35, 'PR_SET_MM'],
  [38, 'PR_SET_NO_NEW_PRIVS'],
  [47, 'PR_CAP_AMBIENT'],
  [0x5961_6d61, 'PR_SET_PTRACER'],
]);

/** linux/keyctl.h */
export const keyctlOperations: Names = numbered(
  'KEYCTL_',
  0,
  'GET_KEYRING_ID JOIN_SESSION_KEYRING UPDATE REVOKE CHOWN SETPERM DESCRIBE CLEAR LINK UNLINK SEARCH READ INSTANTIATE ' +
    'NEGATE SET_REQKEY_KEYRING SET_TIMEOUT ASSUME_AUTHORITY GET_SECURITY SESSION_TO_PARENT REJECT INSTANTIATE_IOV ' +
    'INVALIDATE GET_PERSISTENT DH_COMPUTE PKEY_QUERY PKEY_ENCRYPT PKEY_DECRYPT PKEY_SIGN PKEY_VERIFY ' +
    'RESTRICT_KEYRING MOVE CAPABILITIES WATCH_KEY',
);

/** linux/bpf.h */
export const bpfCommands: Names = numbered(
  'BPF_',
  0,
  'MAP_CREATE MAP_LOOKUP_ELEM MAP_UPDATE_ELEM MAP_DELETE_ELEM MAP_GET_NEXT_KEY PROG_LOAD OBJ_PIN OBJ_GET PROG_ATTACH ' +
    'PROG_DETACH PROG_TEST_RUN PROG_GET_NEXT_ID MAP_GET_NEXT_ID PROG_GET_FD_BY_ID MAP_GET_FD_BY_ID ' +
    'OBJ_GET_INFO_BY_FD PROG_QUERY RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD_BY_ID TASK_FD_QUERY ' +
    'MAP_LOOKUP_AND_DELETE_ELEM MAP_FREEZE BTF_GET_NEXT_ID MAP_LOOKUP_BATCH MAP_LOOKUP_AND_DELETE_BATCH ' +
    'MAP_UPDATE_BATCH MAP_DELETE_BATCH LINK_CREATE LINK_UPDATE LINK_GET_FD_BY_ID LINK_GET_NEXT_ID ENABLE_STATS ' +
    'ITER_CREATE LINK_DETACH PROG_BIND_MAP TOKEN_CREATE',
);

/** linux/reboot.h */
export const rebootCommands: Names = new Map([
  [0x0123_4567, 'LINUX_REBOOT_CMD_RESTART'],
  [0xcdef_0123, 'LINUX_REBOOT_CMD_HALT'],
  [0x89ab_cdef, 'LINUX_REBOOT_CMD_CAD_ON'],
  [0x0000_0000, 'LINUX_REBOOT_CMD_CAD_OFF'],
  [0x4321_fedc, 'LINUX_REBOOT_CMD_POWER_OFF'],
  [0xa1b2_c3d4, 'LINUX_REBOOT_CMD_RESTART2'],
  [0xd000_fce2, 'LINUX_REBOOT_CMD_SW_SUSPEND'],
  [0x4558_4543, 'LINUX_REBOOT_CMD_KEXEC'],
]);

export const syslogActions: Names = numbered(
  'SYSLOG_ACTION_',
  0,
  'CLOSE OPEN READ READ_ALL READ_CLEAR CLEAR CONSOLE_OFF CONSOLE_ON CONSOLE_LEVEL SIZE_UNREAD SIZE_BUFFER',
);

/** The type in a file mode. */
export const mknodTypes: Names = new Map([
  [0, 'S_IFREG'],
  [0o010000, 'S_IFIFO'],
  [0o020000, 'S_IFCHR'],
  [0o060000, 'S_IFBLK'],
  [0o100000, 'S_IFREG'],
  [0o140000, 'S_IFSOCK'],
]);
