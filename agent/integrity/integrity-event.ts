import type { TaskEventBase } from '../decode/kernel-event.ts';
import type { NamespaceName, SampledNamespaces } from '../decode/sampled-task.ts';
import type { Growth, HeldPrivileges } from './privileges.ts';

export type IntegrityChangeName = IntegrityChange['change'];

/** What has changed about a running process, beside what events tell. */
export type IntegrityChange =
  | PrivilegesGrown
  | NamespaceChanged
  | Traced
  | ExecutableDeleted
  | ExecutableReplaced
  | StdioSocket
  | ProcessUnseen;

/** A change that no hook sees, found by comparing a running process with what was known of it. */
export type IntegrityEvent = TaskEventBase & {
  kind: 'integrity';
  /** `exec`: found when the process executed its next program, from what it could do before and after. */
  seenAt: 'sample' | 'exec';
} & IntegrityChange;

/** It may do more than the kernel's rules allow it to reach from what it could do before. */
export interface PrivilegesGrown {
  change: 'privileges-grown';
  growth: readonly Growth[];
  before: HeldPrivileges;
  after: HeldPrivileges;
}

/** It has entered other namespaces (setns, unshare) since it executed its program. */
export interface NamespaceChanged {
  change: 'namespace-changed';
  namespaces: readonly NamespaceName[];
  /** Those of them that are the host's now. */
  hostNamespaces: readonly NamespaceName[];
  /** A namespace event has told of all of them already. */
  told: boolean;
  before: Partial<SampledNamespaces>;
  after: Partial<SampledNamespaces>;
}

/** Another process traces it. */
export interface Traced {
  change: 'traced';
  tracerPid: number;
  tracerStartKtimeNs: bigint;
  tracerPlace: 'same-container' | 'elsewhere';
  /** Empty when the tracer is not known. */
  tracerExecutable: string;
  seized: boolean;
}

/** The file it runs was deleted, or another one has taken its name. */
export interface ExecutableDeleted {
  change: 'executable-deleted';
}

/** It runs another file than the one it executed (prctl(2), PR_SET_MM_EXE_FILE). */
export interface ExecutableReplaced {
  change: 'executable-replaced';
  beforeInode: bigint;
  afterInode: bigint;
}

/** Standard descriptors have become sockets since it executed its program. */
export interface StdioSocket {
  change: 'stdio-socket';
  descriptors: readonly ('stdin' | 'stdout' | 'stderr')[];
}

/** No record told of it: records were lost, or a table was full. It is known from now on. */
export interface ProcessUnseen {
  change: 'process-unseen';
}
