import type { CapabilityName } from '../../common/capabilities.ts';

/** When a capability check in a syscall says nothing. */
export type NoiseCondition =
  | 'always'
  /** Only its refusal says nothing; where it is granted the capability was used. */
  | 'denied'
  /** The file that is written lies in memory (tmpfs, hugetlbfs), and the initial user namespace is asked. */
  | 'memory-file'
  /** No flag asks for a new namespace, or the question is not about those that do. */
  | 'no-new-namespaces';

export interface NoiseRow {
  capability: CapabilityName;
  syscalls: readonly string[];
  when: NoiseCondition;
  /** Why the kernel asks. */
  reason: string;
  /** What cannot be seen any more because of this row. */
  hides: string;
}

/** Syscalls that write to the descriptor in the argument of this index. */
export const writtenDescriptor: Readonly<Record<string, number>> = {
  write: 0,
  pwrite64: 0,
  writev: 0,
  pwritev: 0,
  pwritev2: 0,
  fallocate: 0,
  ftruncate: 0,
  ftruncate64: 0,
  sendfile: 0,
  sendfile64: 0,
  splice: 2,
  copy_file_range: 2,
};

const lookups = [
  'open', 'openat', 'openat2', 'stat', 'lstat', 'stat64', 'lstat64', 'newfstatat', 'fstatat64', 'statx', 'access',
  'faccessat', 'faccessat2', 'chdir', 'getdents', 'getdents64',
]; // biome-ignore format: a list of names reads better in rows

/**
 * Capability checks that say nothing about what a program meant to do. They are dropped in the kernel, before they cost
 * anything. A row is here because the check was seen in ordinary programs; docs/capability-noise.md is made of it.
 */
export const noise: readonly NoiseRow[] = [
  {
    capability: 'CAP_SYS_ADMIN',
    syscalls: [
      'mmap', 'mmap2', 'brk', 'mremap', 'mprotect', 'execve', 'execveat', 'fork', 'vfork', 'shmget', 'shmat',
      'memfd_create',
    ], // biome-ignore format: a list of names reads better in rows
    when: 'always',
    reason:
      'Memory accounting asks whether the reserve kept for root may be used (`__vm_enough_memory`), for every program that takes memory.',
    hides: 'Nothing: the kernel asks for this capability in these syscalls for no other purpose.',
  },
  {
    capability: 'CAP_SYS_ADMIN',
    syscalls: ['clone', 'clone3'],
    when: 'no-new-namespaces',
    reason: 'The same accounting, for the copy of the address space.',
    hides: 'Nothing: with a `CLONE_NEW…` flag the check for the namespaces is reported.',
  },
  {
    capability: 'CAP_SYS_ADMIN',
    syscalls: Object.keys(writtenDescriptor),
    when: 'memory-file',
    reason: 'The same accounting, for each page that a file in memory grows by.',
    hides:
      'Nothing: writing to any other file is reported, such as the `release_agent` of a cgroup, a sysctl that asks for it, or the id map of a user namespace.',
  },
  {
    capability: 'CAP_SYS_PTRACE',
    syscalls: ['read', 'pread64', 'readlink', 'readlinkat', ...lookups.filter((name) => !name.startsWith('open'))],
    when: 'denied',
    reason: 'Looking at processes of other users in /proc (ps, top, pidof) asks it, and does with less when refused.',
    hides:
      'Refused looks at what /proc tells of other users’ processes. Opening there (`mem`, `environ`, `root/…`), `ptrace` and `process_vm_*` are reported, and every look that is granted.',
  },
  {
    capability: 'CAP_NET_ADMIN',
    syscalls: lookups,
    when: 'denied',
    reason:
      'Every look into /proc/sys/net asks whether the program owns its network namespace (`net_ctl_permissions`).',
    hides: 'Refused attempts to open a file below /proc/sys/net. What is refused there falls back to the file’s mode.',
  },
];
