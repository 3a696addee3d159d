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
const openFlags = {
  largeFile: process.arch === 'arm64' ? 0o400_000 : 0o100_000,
  closeOnExec: 0o2_000_000,
  nonBlocking: 0o4000,
};
/** What older kernels can tell of a file system without identities. */
const withoutIdentities = Fan.access | Fan.modify | Fan.closeWrite | Fan.open;
const modifiers = Fan.onChild | Fan.onDirectory;
const eagain = 11;
/** One for all groups: what is read is decoded before the next is read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * How a group tells which file it was: by identities and names, for which a file system must have file handles (overlayfs
 * does from Linux 6.6 on), or by a descriptor of it, which can tell nothing of names that come and go.
 */
export type FanotifyWay = 'identities' | 'descriptors';

/**
 * One fanotify group with a queue of its own in the kernel. Marks live as long as it.
 * @see https://man7.org/linux/man-pages/man7/fanotify.7.html
 */
export class FanotifyGroup {
  readonly fd: number;
  readonly way: FanotifyWay;

  /** @throws {SystemError} EPERM without CAP_SYS_ADMIN, EMFILE where fs.fanotify.max_user_groups is reached */
  constructor(way: FanotifyWay) {
    this.way = way;
    const names = way === 'identities' ? init.reportFid | init.reportDirectory | init.reportName : 0;
    const flags = init.closeOnExec | init.nonBlocking | init.unlimitedMarks | names;
    // A descriptor is opened for each event: a pipe without a writer must not hold the agent up.
    this.fd = fanotifyInit(flags, openFlags.largeFile | openFlags.closeOnExec | openFlags.nonBlocking);
    if (this.fd < 0) throw new SystemError('fanotify_init', koffi.errno());
  }

  /** The part of a mask that this group can watch; 0 when it is none. */
  supported(mask: number): number {
    if (this.way === 'identities') return mask;
    return (mask & withoutIdentities) === 0 ? 0 : mask & (withoutIdentities | modifiers);
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
    const length = Number(readDescriptor(this.fd, readBuffer, readBuffer.length));
    if (length >= 0) return readBuffer.subarray(0, length);
    if (koffi.errno() === eagain) return readBuffer.subarray(0, 0);
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
