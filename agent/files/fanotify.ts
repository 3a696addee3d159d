import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { SystemError } from './system-error.ts';

const libc = koffi.load('libc.so.6');
const fanotifyInit = libc.func('int fanotify_init(uint32_t flags, uint32_t eventFlags)');
const fanotifyMark = libc.func(
  'int fanotify_mark(int group, uint32_t flags, uint64_t mask, int directory, const char *path)',
);
const readDescriptor = libc.func('int64_t read(int fd, _Out_ uint8_t *buffer, size_t bytes)');

/** linux/fanotify.h */
export const Fan = {
  access: 0x1,
  modify: 0x2,
  attrib: 0x4,
  closeWrite: 0x8,
  open: 0x20,
  create: 0x100,
  delete: 0x200,
  overflow: 0x4000,
  onChild: 0x0800_0000,
  rename: 0x1000_0000,
  onDirectory: 0x4000_0000,
} as const;

const init = {
  closeOnExec: 0x1,
  nonBlocking: 0x2,
  unlimitedMarks: 0x20,
  reportFid: 0x200,
  reportDirectory: 0x400,
  reportName: 0x800,
};
const mark = { add: 0x1, remove: 0x2, onlyDirectory: 0x8, flush: 0x80 };
const largeFile = 0o100_000;
const eagain = 11;

/**
 * One fanotify group with a queue of its own in the kernel. Marks live as long as it.
 * @see https://man7.org/linux/man-pages/man7/fanotify.7.html
 */
export class FanotifyGroup {
  readonly fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(64 * 1024);

  /** @throws {SystemError} EPERM without CAP_SYS_ADMIN, EMFILE where fs.fanotify.max_user_groups is reached */
  constructor() {
    const flags =
      init.closeOnExec |
      init.nonBlocking |
      init.unlimitedMarks |
      init.reportFid |
      init.reportDirectory |
      init.reportName;
    this.fd = fanotifyInit(flags, largeFile);
    if (this.fd < 0) throw new SystemError('fanotify_init', koffi.errno());
  }

  /** Adds events to what is watched of a file, by a descriptor of it (O_PATH will do). @throws {SystemError} */
  mark(fd: number, mask: number, isDirectory: boolean): void {
    this.#mark(mark.add | (isDirectory ? mark.onlyDirectory : 0), mask, fd);
  }

  /** @throws {SystemError} ENOENT when the file is not marked */
  unmark(fd: number, mask: number): void {
    this.#mark(mark.remove, mask, fd);
  }

  /** Removes all marks. */
  flush(): void {
    fanotifyMark(this.fd, mark.flush, 0, -100, null);
  }

  /** What waits, in the kernel's format, valid until the next call; empty when nothing does. @throws {SystemError} */
  read(): Buffer {
    const length = Number(readDescriptor(this.fd, this.#buffer, this.#buffer.length));
    if (length >= 0) return this.#buffer.subarray(0, length);
    if (koffi.errno() === eagain) return this.#buffer.subarray(0, 0);
    throw new SystemError('read', koffi.errno());
  }

  close(): void {
    closeSync(this.fd);
  }

  /** The path of the descriptor itself: fanotify_mark takes no O_PATH descriptors. */
  #mark(flags: number, mask: number, fd: number): void {
    if (fanotifyMark(this.fd, flags, mask, -100, `/proc/self/fd/${fd}`) !== 0)
      throw new SystemError('fanotify_mark', koffi.errno());
  }
}
