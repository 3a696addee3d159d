import { closeSync } from 'node:fs';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { CodedError } from '../../common/errors.ts';
import type { SharedVariable } from './bpf-object.ts';

const libc = koffi.load('libc.so.6');
const epollCreate = libc.func('int epoll_create1(int flags)');
const epollControl = libc.func('int epoll_ctl(int epoll_fd, int operation, int fd, const void *event)');
const epollWait = libc.func('int epoll_wait(int epoll_fd, _Out_ void *events, int max_events, int timeout_ms)');
const waitAsync = promisify(epollWait.async);

const cloexec = 0o2000000;
const addOperation = 1;
const pollIn = 1;
/** struct epoll_event has 12 bytes on x86-64, where it is packed, and 16 elsewhere. */
const eventBytes = 16;
/** Bounds how long close() may have to wait for the thread that sleeps here. */
const sleepMs = 200;

/**
 * Sleeps until the kernel has written a record, in a thread of the pool, so that an idle node is not woken by timers.
 * @see https://man7.org/linux/man-pages/man7/epoll.7.html
 */
export class RingWaiter {
  readonly #epollFd: number;
  readonly #readerWaits: SharedVariable;
  #closed = false;
  #sleeping = false;

  /** `readerWaits` is the programs' flag that a record has to wake the reader. @throws {CodedError} EPOLL_FAILED */
  constructor(ringFd: number, readerWaits: SharedVariable) {
    this.#readerWaits = readerWaits;
    this.#epollFd = epollCreate(cloexec);
    const event = Buffer.alloc(eventBytes);
    event.writeUInt32LE(pollIn);
    if (this.#epollFd < 0 || epollControl(this.#epollFd, addOperation, ringFd, event) !== 0)
      throw new CodedError('EPOLL_FAILED', `the ring buffer cannot be waited for: errno ${koffi.errno()}`);
  }

  /** Resolves when there may be something to read, at the latest after some time. `hasBacklog` is asked once more first. */
  async wait(hasBacklog: () => boolean): Promise<void> {
    Atomics.store(this.#readerWaits.cell, 0, 1);
    try {
      if (hasBacklog()) return;
      this.#sleeping = true;
      await waitAsync(this.#epollFd, Buffer.alloc(eventBytes), 1, sleepMs);
    } finally {
      this.#sleeping = false;
      if (this.#closed) closeSync(this.#epollFd);
      else Atomics.store(this.#readerWaits.cell, 0, 0);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#readerWaits.unmap();
    if (!this.#sleeping) closeSync(this.#epollFd);
  }
}
