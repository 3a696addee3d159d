import type { Privileges } from '../decode/kernel-event.ts';

/** What a process may do, at one moment. */
export interface HeldPrivileges extends Privileges {
  /** nsfs inode of the user namespace in which the capabilities hold. */
  readonly userNamespace: number;
  /** How deep that namespace is nested; 0 is the host's. */
  readonly userLevel: number;
}

/** How a program was executed, as far as it decides which privileges it may have. */
export interface ExecPrivileges {
  readonly secureExec: boolean;
  readonly setuid: boolean;
  readonly setgid: boolean;
}

/** In what way privileges are more than the kernel's rules allow them to become. */
export type Growth = 'uid' | 'gid' | 'permitted' | 'effective' | 'bounding' | 'inheritable' | 'user-namespace';
