import type { CapabilitySets, Credentials, Executable, StdioSocket } from '../decode/kernel-event.ts';

export type ProcessEntry = 'container-init' | 'exec-session' | 'internal';

/** A program's run in a process: from exec (or fork, for a copy that has executed nothing) to exit or the next exec. */
export interface ProcessExecution {
  /** "<first 8 of boot id>:<pid>:<start ktime ns>:<exec number>"; unique on this node and boot. */
  readonly executionId: string;
  readonly pid: number;
  readonly containerPid: number;
  readonly startKtimeNs: bigint;
  readonly execKtimeNs: bigint;
  endKtimeNs: bigint | undefined;
  readonly executable: Executable;
  readonly filename: string;
  readonly argv: readonly string[];
  readonly argvTruncated: boolean;
  readonly cwd: string;
  readonly comm: string;
  readonly credentials: Credentials;
  readonly capabilities: CapabilitySets;
  readonly stdioSockets: readonly StdioSocket[];
  readonly hasTty: boolean;
  readonly secureExec: boolean;
  readonly entry: ProcessEntry;
  /** False where it was read from /proc because the agent started later or records were lost. */
  readonly observed: boolean;
  readonly containerId: string | undefined;
  /**
   * The execution that forked this process, or the one this process ran before it executed this program. Undefined for a
   * container's first program and for exec sessions, whose parents are outside the container.
   */
  readonly parent: ProcessExecution | undefined;
  /** True when the parent should exist but is not known. */
  readonly parentMissing: boolean;
  exitCode: number | undefined;
  exitSignal: number | undefined;
}
