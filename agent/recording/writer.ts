import { growingLru } from '../../common/lru.ts';
import type { Container } from '../container/container.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import type { ProcessExecution } from '../process/process.ts';
import { toExactJson } from './exact-json.ts';
import type { RecordingHeader, RecordingLine } from './recording.ts';

/** What has been written is written again when it is forgotten. */
const maxRemembered = 65_536;

/** Turns attributed events into the lines of a recording. */
export class RecordingWriter {
  readonly #containers = growingLru<string, Container>(maxRemembered);
  readonly #executions = growingLru<string, true>(maxRemembered);

  header(header: RecordingHeader): string {
    return line({ header });
  }

  /** One or more lines, each ended by a line feed. `timeUnixNs` is the event's time by the wall clock. */
  event(input: AttributedEvent, timeUnixNs: bigint): string {
    const { event, container, execution, attribution, missing, dataComplete } = input;
    const written = line({
      event,
      timeUnixNs,
      containerId: container.id,
      executionId: execution?.executionId,
      attribution,
      missing,
      dataComplete,
    });
    return this.#containerLine(container) + this.#executionLines(execution) + written;
  }

  #containerLine(container: Container): string {
    // A record is replaced, never changed in place: the same object is the same facts.
    if (this.#containers.get(container.id) === container) return '';
    this.#containers.set(container.id, container);
    return line({ container });
  }

  /** Ancestors first. */
  #executionLines(execution: ProcessExecution | undefined): string {
    const lines: string[] = [];
    for (let at = execution; at !== undefined && !this.#executions.has(at.executionId); at = at.parent) {
      const { parent, ...own } = at;
      this.#executions.set(at.executionId, true);
      lines.push(line({ execution: { ...own, parentId: parent?.executionId } }));
    }
    return lines.reverse().join('');
  }
}

function line(content: RecordingLine): string {
  return `${toExactJson(content)}\n`;
}
