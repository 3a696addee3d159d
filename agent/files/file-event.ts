import type { Container } from '../container/container.ts';
import type { FileEvent } from '../decode/kernel-event.ts';
import type { ProcessExecution } from '../process/process.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import type { FileChange } from './file-changes.ts';

export interface FileActor {
  container: Container;
  execution: ProcessExecution | undefined;
  pid: number;
  /** How often the same was done since it was last told. */
  repeats: number;
}

/** What happened to a file, with who did it. The kernel tells no time: that of reading it is some milliseconds later. */
export function fileEventOf(change: FileChange, { container, execution, pid, repeats }: FileActor): FileEvent {
  return {
    kind: 'file',
    ktimeNs: readClockNs(Clock.boottime),
    cgroupId: container.cgroupId,
    pid,
    tid: pid,
    startKtimeNs: execution?.startKtimeNs ?? 0n,
    comm: execution?.comm ?? '',
    ...change,
    repeats,
  };
}
