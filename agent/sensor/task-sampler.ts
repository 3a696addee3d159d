import { close, read } from 'node:fs';
import { promisify } from 'node:util';
import { CodedError } from '../../common/errors.ts';
import { sampledTaskBytes } from '../decode/layout.generated.ts';
import type { Libbpf } from './libbpf.ts';

const readAsync = promisify(read);
const closeAsync = promisify(close);

/** As much as the kernel gives at once: its buffer for one read of an iterator has eight pages. */
const chunkBytes = 32 * 1024;

/** One run of the task iterator over the tasks of all containers. */
export interface TaskSample {
  /** Calls `onTask` for each task, in no order that matters. */
  forEach(onTask: (view: DataView, at: number) => void): void;
  /** The chunks it was read in, for those who want to spread work. */
  readonly chunks: readonly DataView[];
  readonly count: number;
}

/**
 * Reads the task iterator. The reads are made in a thread of the pool: walking some ten thousand tasks takes the kernel
 * milliseconds, and records must not wait for that.
 * @see https://docs.kernel.org/bpf/bpf_iterators.html
 */
export class TaskSampler {
  readonly #libbpf: Libbpf;
  readonly #maxTasks: number;
  /** Kept from sample to sample. */
  readonly #buffers: Buffer[] = [];
  #busy = false;

  constructor(libbpf: Libbpf, maxTasks: number) {
    this.#libbpf = libbpf;
    this.#maxTasks = maxTasks;
  }

  /**
   * A sample is valid until the next one is asked for.
   * @throws {CodedError} SAMPLE_FAILED when the kernel gives none, SAMPLE_TOO_LARGE when there are more tasks than it may hold.
   */
  async sample(linkFd: number): Promise<TaskSample> {
    if (this.#busy) throw new CodedError('SAMPLE_FAILED', 'a sample of the tasks is being taken already');
    this.#busy = true;
    const fd = this.#libbpf.createIterator(linkFd);
    try {
      if (fd < 0)
        throw new CodedError('SAMPLE_FAILED', `the task iterator cannot be opened: errno ${this.#libbpf.errno()}`);
      return toSample(await this.#readAll(fd));
    } finally {
      if (fd >= 0) await closeAsync(fd);
      this.#busy = false;
    }
  }

  async #readAll(fd: number): Promise<DataView[]> {
    const chunks: DataView[] = [];
    let count = 0;
    for (;;) {
      const chunk = await this.#readChunk(fd, chunks.length);
      if (chunk.byteLength === 0) return chunks;
      chunks.push(chunk);
      count += chunk.byteLength / sampledTaskBytes;
      if (count > this.#maxTasks)
        throw new CodedError('SAMPLE_TOO_LARGE', `more than ${this.#maxTasks} tasks run in containers`);
    }
  }

  /** The kernel may stop within a task when its buffer is full: what is missing is the start of the next read. */
  async #readChunk(fd: number, index: number): Promise<DataView> {
    this.#buffers[index] ??= Buffer.allocUnsafeSlow(chunkBytes + sampledTaskBytes);
    const buffer = this.#buffers[index];
    let length = 0;
    do {
      const { bytesRead } = await readAsync(fd, buffer, length, buffer.byteLength - length, null);
      length += bytesRead;
      if (bytesRead === 0 && length % sampledTaskBytes !== 0)
        throw new CodedError('SAMPLE_FAILED', 'the task iterator ended within a task');
      if (bytesRead === 0) break;
    } while (length % sampledTaskBytes !== 0);
    return new DataView(buffer.buffer, buffer.byteOffset, length);
  }
}

function toSample(chunks: readonly DataView[]): TaskSample {
  return {
    chunks,
    count: chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0) / sampledTaskBytes,
    forEach(onTask) {
      for (const chunk of chunks) for (let at = 0; at < chunk.byteLength; at += sampledTaskBytes) onTask(chunk, at);
    },
  };
}
