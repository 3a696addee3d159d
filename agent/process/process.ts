import type { CapabilitySets, Credentials, Executable, Privileges, StdioSocket } from '../decode/kernel-event.ts';

export type ProcessEntry = 'container-init' | 'exec-session' | 'internal';

/** A program's run in a process: from exec (or fork, for a copy that has executed nothing) to exit or the next exec. */
export interface ProcessExecution {
  /** "<first 8 of boot id>:<pid>:<start ktime ns>:<exec id>"; unique on this node and boot. */
  readonly executionId: string;
  readonly pid: number;
  readonly containerPid: number;
  readonly startKtimeNs: bigint;
  /**
   * Executions along the process' line of descent, this one included, as the kernel counts them: it tells the programs of
   * one process apart, also when the agent has started anew in between. 0n where only /proc was there to ask.
   */
  readonly execId: bigint;
  readonly execKtimeNs: bigint;
  endKtimeNs: bigint | undefined;
  readonly executable: Executable;
  readonly filename: string;
  /** The name after "#!" of the script that was executed; empty when none was, or where it was read from /proc. */
  readonly interpreter: string;
  readonly argv: readonly string[];
  readonly argvTruncated: boolean;
  readonly cwd: string;
  readonly comm: string;
  readonly credentials: Credentials;
  readonly capabilities: CapabilitySets;
  /** What the process might before it executed this program; undefined when not known. A forked copy changed nothing. */
  readonly before: Privileges | undefined;
  readonly stdioSockets: readonly StdioSocket[];
  readonly hasTty: boolean;
  /** Name of the controlling terminal, such as "pts/0"; empty when there is none. */
  readonly tty: string;
  /** pid of the session's leader in the host's pid namespace; 0 when not known. */
  readonly sessionId: number;
  /** The user who once logged in, as audit keeps it; undefined when nobody did. */
  readonly loginUid: number | undefined;
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
  /** Whether the kernel wrote its memory to a file when it ended. */
  coreDumped: boolean | undefined;
}
