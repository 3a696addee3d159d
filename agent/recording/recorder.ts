import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { CodedError } from '../../common/errors.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import type { RecordingHeader } from './recording.ts';
import { RecordingWriter } from './writer.ts';

export interface RecorderOptions {
  /** Must not exist: arguments may hold secrets, so nobody else's file is written to. It is made readable by its owner only. */
  file: string;
  header: RecordingHeader;
  /** No more is written then. */
  maxBytes: number;
}

/** Lines that wait for the disk; beyond, events are left out and counted. */
const maxBufferedBytes = 64 * 1024 * 1024;

/** Writes events to a file as they come. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #stream: WriteStream;
  readonly #writer = new RecordingWriter();
  readonly #failed: Promise<never>;
  events = 0;
  bytes = 0;
  /** Events that were not written because the disk did not keep up. */
  leftOut = 0;

  private constructor(options: RecorderOptions, stream: WriteStream) {
    this.#options = options;
    this.#stream = stream;
    this.#failed = once(stream, 'error').then(([cause]) => {
      throw new CodedError('RECORDING_UNWRITABLE', `${options.file} cannot be written`, { cause });
    });
    this.#failed.catch(() => undefined);
    this.#write(this.#writer.header(options.header));
  }

  /** @throws {CodedError} RECORDING_UNWRITABLE */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const stream = createWriteStream(options.file, { flags: 'wx', mode: 0o600 });
    try {
      await once(stream, 'open');
    } catch (cause) {
      const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
      throw new CodedError('RECORDING_UNWRITABLE', `${options.file} cannot be made`, {
        cause,
        hint: exists ? 'it exists: name another file, or remove it' : 'name a file in a folder you may write to',
      });
    }
    return new Recorder(options, stream);
  }

  /** Rejects when the file cannot be written any more; never resolves. */
  get failed(): Promise<never> {
    return this.#failed;
  }

  get isFull(): boolean {
    return this.bytes >= this.#options.maxBytes;
  }

  add(event: AttributedEvent, timeUnixNs: bigint): void {
    if (this.isFull || this.#stream.errored !== null) return;
    if (this.#stream.writableLength > maxBufferedBytes) {
      this.leftOut++;
      return;
    }
    this.events++;
    this.#write(this.#writer.event(event, timeUnixNs));
  }

  async close(): Promise<void> {
    this.#stream.end();
    await Promise.race([once(this.#stream, 'close'), this.#failed]);
  }

  #write(lines: string): void {
    this.bytes += Buffer.byteLength(lines);
    this.#stream.write(lines);
  }
}
