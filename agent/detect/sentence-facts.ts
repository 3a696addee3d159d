import type { ProcessExecution } from '../process/process.ts';

/** Who last wrote a file, as far as that was seen. */
export interface FileWrite {
  /** A process outside of the container, one of its own, or one that nobody knows. */
  by: 'host' | 'container' | 'unknown';
  /** Of the container, where it is known. */
  execution: ProcessExecution | undefined;
  ktimeNs: bigint;
}

/** What sentences tell beside the event itself. Asked only when a finding is written; answers must not throw. */
export interface SentenceFacts {
  /** A user's name as the container's own /etc/passwd has it: whoever writes that file chooses it. Undefined without one. */
  userName(containerId: string, uid: number): string | undefined;
  /** The last write of a file before now; undefined where nobody watched. */
  lastWrite(containerId: string, path: string): FileWrite | undefined;
  /** Unix nanoseconds of a CLOCK_BOOTTIME reading; undefined where there is no clock to ask. */
  unixNs(ktimeNs: bigint): bigint | undefined;
}

export const noSentenceFacts: SentenceFacts = {
  userName: () => undefined,
  lastWrite: () => undefined,
  unixNs: () => undefined,
};
