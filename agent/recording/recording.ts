import type { Container } from '../container/container.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import type { ProcessExecution } from '../process/process.ts';

/** Of the lines below; a file of another version is refused. */
export const recordingVersion = 1;

export interface RecordingHeader {
  tallymanRecording: number;
  nodeName: string;
  kernelRelease: string;
  agentVersion: string;
  startedUnixNs: bigint;
}

/** An execution without the objects it links to. */
export type RecordedExecution = Omit<ProcessExecution, 'parent'> & { parentId: string | undefined };

/**
 * A line of a recording. Containers and executions stand in front of the first event that needs them, and again when they
 * have changed: the file can be read from its beginning only, and holds each once.
 */
export type RecordingLine =
  | { header: RecordingHeader }
  | { container: Container }
  | { execution: RecordedExecution }
  | {
      event: AttributedEvent['event'];
      timeUnixNs: bigint;
      containerId: string;
      executionId: string | undefined;
      attribution: AttributedEvent['attribution'];
      missing: readonly string[];
      dataComplete: boolean;
    };
