import type { Container } from '../container/container.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { CapabilityEvent, ExecEvent, FileEvent, NamespaceEvent, SyscallEvent } from '../decode/kernel-event.ts';
import type { NetworkEvent } from '../decode/network-event.ts';
import type { IntegrityEvent } from '../integrity/integrity-event.ts';
import type { ProcessExecution } from '../process/process.ts';

/** Where container times meet wall-clock time; follows clock steps. */
export interface WallClock {
  /** Unix nanoseconds of a CLOCK_BOOTTIME reading. */
  unixNs(ktimeNs: bigint): bigint;
}

export type DetectableEvent =
  | ExecEvent
  | CapabilityEvent
  | NamespaceEvent
  | SyscallEvent
  | NetworkEvent
  | FileEvent
  | IntegrityEvent;

/** An event of which is known who did it: the input of detection. */
export interface AttributedEvent {
  event: DetectableEvent;
  container: Container;
  /** The execution that acted; undefined when the process is not known (records lost). */
  execution: ProcessExecution | undefined;
  attribution: 'complete' | 'partial' | 'late';
  /** What is missing when partial: "process", "image"… */
  missing: readonly string[];
  /** False when records of this event's window are known to have been lost. */
  dataComplete: boolean;
  /** What was lost, where it is known. */
  losses?: readonly Loss[];
}
