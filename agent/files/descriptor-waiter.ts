import { closeSync } from 'node:fs';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { SystemError } from './system-error.ts';

const libc = koffi.load('libc.so.6');
const epollCreate = libc.func('int epoll_create1(int flags)');
const epollControl = libc.func('int epoll_ctl(int epoll, int operation, int fd, const void *event)');
const epollWait = libc.func('int epoll_wait(int epoll, _Out_ void *events, int maxEvents, int timeoutMs)');
const waitAsync = promisify(epollWait.async);

const closeOnExec = 0o2_000_000;
const operation = { add: 1, remove: 2 };
const pollIn = 1;
/** struct epoll_event is packed on x86-64 only. */
const isPacked = process.arch === 'x64';
const eventBytes = isPacked ? 12 : 16;
const dataOffset = isPacked ? 4 : 8;
const maxReady = 128;
/** Bounds how long close() leaves a thread of the pool asleep. */
const sleepMs = 500;

/**
 * Sleeps until one of many descriptors can be read, in a thread of the pool: an idle node is not woken by timers.
 * @see https://man7.org/linux/man-pages/man7/epoll.7.html
 */
export class DescriptorWaiter {
  readonly #epoll: number;
  readonly #events = Buffer.allocUnsafeSlow(eventBytes * maxReady);
  #sleeping = false;
  #closed = false;

  /** @throws {SystemError} */
  constructor() {
    this.#epoll = epollCreate(closeOnExec);
    if (this.#epoll < 0) throw new SystemError('epoll_create1', koffi.errno());
  }

  /** @throws {SystemError} */
  add(fd: number): void {
    const event = Buffer.alloc(eventBytes);
    event.writeUInt32LE(pollIn);
    event.writeInt32LE(fd, dataOffset);
    if (epollControl(this.#epoll, operation.add, fd, event) !== 0) throw new SystemError('epoll_ctl', koffi.errno());
  }

  remove(fd: number): void {
    epollControl(this.#epoll, operation.remove, fd, Buffer.alloc(eventBytes));
  }

  /** Descriptors that can be read, after some time perhaps none. More than 128 come with the next call. */
  async wait(): Promise<number[]> {
    if (this.#closed) return [];
    this.#sleeping = true;
    const count = await waitAsync(this.#epoll, this.#events, maxReady, sleepMs);
    this.#sleeping = false;
    if (this.#closed) {
      closeSync(this.#epoll);
      return [];
    }
    return Array.from({ length: Math.max(count, 0) }, (_, i) => this.#events.readInt32LE(i * eventBytes + dataOffset));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#sleeping) closeSync(this.#epoll);
  }
}
