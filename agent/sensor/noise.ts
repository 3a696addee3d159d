import { type CapabilityName, capabilityNumber } from '../decode/capabilities.ts';
import { syscallNumber } from '../decode/syscalls.ts';

/**
 * Capability checks that say nothing about what a program meant to do: the kernel asks them on its own account in syscalls
 * that every program makes. They are dropped in the kernel, before they cost anything.
 */
const noise: readonly { capability: CapabilityName; syscalls: readonly string[]; reason: string }[] = [
  {
    capability: 'CAP_SYS_ADMIN',
    syscalls: [
      'mmap',
      'brk',
      'execve',
      'execveat',
      'clone',
      'clone3',
      'fork',
      'vfork',
      'mremap',
      'mprotect',
      'shmat',
      'shmget',
      'memfd_create',
      'ftruncate',
      'fallocate',
      'write',
      'pwrite64',
      'writev',
      'exit_group',
      'exit',
    ],
    reason: 'memory accounting asks whether the reserve kept for root may be used (__vm_enough_memory)',
  },
  {
    capability: 'CAP_SYS_RESOURCE',
    syscalls: [
      'mmap',
      'brk',
      'execve',
      'execveat',
      'clone',
      'clone3',
      'fork',
      'vfork',
      'mremap',
      'write',
      'pipe',
      'pipe2',
    ],
    reason: 'a limit was compared with the usage (RLIMIT_NPROC, pipe pages); nothing was asked for',
  },
  {
    capability: 'CAP_SYS_ADMIN',
    syscalls: [
      'clone',
      'clone3',
      'fork',
      'vfork',
      'pipe',
      'pipe2',
      'openat',
      'open',
      'statfs',
      'fstatfs',
      'getxattr',
      'lgetxattr',
      'fgetxattr',
      'listxattr',
      'llistxattr',
      'newfstatat',
      'statx',
      'access',
      'faccessat',
      'faccessat2',
      'readlink',
      'readlinkat',
      'getdents64',
    ],
    reason: 'file systems and limits ask whether trusted attributes or reserved blocks may be shown',
  },
  {
    capability: 'CAP_SETPCAP',
    syscalls: ['execve', 'execveat'],
    reason: 'asked for every exec of a task with securebits or no_new_privs',
  },
  {
    capability: 'CAP_SYS_PTRACE',
    syscalls: [
      'read',
      'pread64',
      'openat',
      'open',
      'readlink',
      'readlinkat',
      'newfstatat',
      'stat',
      'statx',
      'access',
      'faccessat',
      'faccessat2',
      'getdents64',
    ],
    reason: 'looking into /proc of another user (ps, top) asks it; ptrace(2) itself and process_vm_* are kept',
  },
];

/** Keys of the kernel's table: capability << 16 | syscall number on this architecture. */
export function noiseKeys(): number[] {
  const keys = new Set<number>();
  for (const entry of noise)
    for (const syscall of entry.syscalls) {
      const number = syscallNumber(syscall);
      if (number !== undefined) keys.add(((capabilityNumber(entry.capability) << 16) | number) >>> 0);
    }
  return [...keys];
}

/** The table as documentation. */
export function noiseTable(): typeof noise {
  return noise;
}
