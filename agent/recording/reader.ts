import { createReadStream } from 'node:fs';
import { boundedLines } from '../../common/bounded-lines.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import { growingLru } from '../../common/lru.ts';
import type { Container } from '../container/container.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import { eventKinds } from '../detect/field-catalog.ts';
import type { ProcessExecution } from '../process/process.ts';
import { fromExactJson } from './exact-json.ts';
import { type RecordedExecution, type RecordingHeader, type RecordingLine, recordingVersion } from './recording.ts';

/** An execution record holds at most 8 KiB of texts, a container somewhat more. */
const maxLineBytes = 4 * 1024 * 1024;
const maxRemembered = 131_072;

export interface RecordedEvent {
  input: AttributedEvent;
  timeUnixNs: bigint;
}

export interface RecordingReaderOptions {
  /** A line that is none, or names what no line before it told. It is skipped. */
  onProblem(lineNumber: number, reason: string): void;
}

/**
 * Reads a recording, event by event.
 * @throws {CodedError} RECORDING_UNREADABLE, RECORDING_VERSION
 */
export async function* readRecording(
  file: string,
  options: RecordingReaderOptions,
): AsyncGenerator<RecordedEvent, void, void> {
  const assembler = new Assembler();
  let isEmpty = true;
  try {
    for await (const { number, text } of boundedLines(createReadStream(file), maxLineBytes)) {
      isEmpty = false;
      if (number === 1) checkHeader(file, text ?? '');
      else if (text === undefined) options.onProblem(number, `it is longer than ${maxLineBytes} bytes`);
      else if (text !== '') yield* readLine(assembler, text, (reason) => options.onProblem(number, reason));
    }
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError('RECORDING_UNREADABLE', `${file} cannot be read`, { cause });
  }
  if (isEmpty) throw notARecording(file, 'it is empty');
}

function* readLine(assembler: Assembler, text: string, onProblem: (reason: string) => void): Generator<RecordedEvent> {
  try {
    const found = assembler.take(fromExactJson(text) as RecordingLine);
    if (found !== undefined) yield found;
  } catch (error) {
    onProblem(errorText(error));
  }
}

function checkHeader(file: string, text: string): void {
  let header: Partial<RecordingHeader> | undefined;
  try {
    header = (fromExactJson(text) as { header?: RecordingHeader }).header;
  } catch (cause) {
    throw notARecording(file, errorText(cause));
  }
  const version = header?.tallymanRecording;
  if (version === undefined) throw notARecording(file, 'its first line is no header');
  if (version === recordingVersion) return;
  throw new CodedError('RECORDING_VERSION', `${file} is a recording of version ${version}, not ${recordingVersion}`, {
    hint: 'replay it with the version of tallyman that made it',
  });
}

function notARecording(file: string, reason: string): CodedError {
  return new CodedError('RECORDING_UNREADABLE', `${file} is no recording: ${reason}`, {
    hint: '`tallyman record FILE` makes one',
  });
}

/** Puts events together again from the lines that tell of their parts. */
class Assembler {
  readonly #containers = growingLru<string, Container>(maxRemembered);
  readonly #executions = growingLru<string, ProcessExecution>(maxRemembered);

  /** The event of a line; undefined for lines that tell of a part. @throws {Error} what is wrong with the line */
  take(line: RecordingLine): RecordedEvent | undefined {
    if (typeof line !== 'object' || line === null) throw new Error('it is no object');
    if ('container' in line) this.#containers.set(idOf(line.container, 'id'), line.container);
    else if ('execution' in line) this.#keep(line.execution);
    else if ('event' in line) return this.#eventOf(line);
    else throw new Error('it is no container, execution or event');
    return undefined;
  }

  #keep(recorded: RecordedExecution): void {
    const id = idOf(recorded, 'executionId');
    const { parentId, ...own } = recorded;
    const parent = parentId === undefined ? undefined : this.#executions.get(parentId);
    const parentMissing = own.parentMissing || (parentId !== undefined && parent === undefined);
    this.#executions.set(id, { ...own, parent, parentMissing });
  }

  #eventOf(line: Extract<RecordingLine, { event: unknown }>): RecordedEvent {
    const { event, timeUnixNs, containerId, executionId, attribution, missing, dataComplete } = line;
    if (!(eventKinds as readonly string[]).includes(event?.kind) || typeof event.ktimeNs !== 'bigint')
      throw new Error('its event is of no kind that this version knows');
    const container = this.#containers.get(containerId);
    if (container === undefined) throw new Error(`no line before it tells of container ${containerId}`);
    const execution = executionId === undefined ? undefined : this.#executions.get(executionId);
    return { input: { event, container, execution, attribution, missing, dataComplete }, timeUnixNs };
  }
}

function idOf<K extends string>(value: Partial<Record<K, string>> | undefined, key: K): string {
  const id = value?.[key];
  if (typeof id !== 'string') throw new Error(`it has no ${key}`);
  return id;
}
