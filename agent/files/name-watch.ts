import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { CodedError } from '../../common/errors.ts';
import type { FanotifyEvent } from './decode-fanotify.ts';
import { Fan } from './fanotify.ts';
import { SystemError } from './system-error.ts';

const libc = koffi.load('libc.so.6');
const inotifyInit = libc.func('int inotify_init1(int flags)');
const addWatch = libc.func('int inotify_add_watch(int fd, const char *path, uint32_t mask)');
const removeWatch = libc.func('int inotify_rm_watch(int fd, int watch)');
const readDescriptor = libc.func('int64_t read(int fd, _Out_ uint8_t *buffer, size_t bytes)');

const flags = 0o2_000_000 | 0o4000;
/** linux/inotify.h; the other bits are those of fanotify. */
const movedFrom = 0x40;
const movedTo = 0x80;
const same = Fan.attrib | Fan.create | Fan.delete;
const headerBytes = 16;
const eagain = 11;
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Names that come and go in directories, by inotify: for kernels whose fanotify cannot tell them. It does not tell the
 * process, and the events say so (pid 0).
 * @see https://man7.org/linux/man-pages/man7/inotify.7.html
 */
export class NameWatch {
  readonly fd: number;
  readonly #identities = new Map<number, string>();
  readonly #watches = new Map<string, number>();

  /** @throws {SystemError} EMFILE where fs.inotify.max_user_instances is reached */
  constructor() {
    this.fd = inotifyInit(flags);
    if (this.fd < 0) throw new SystemError('inotify_init1', koffi.errno());
  }

  /** Watches a directory for what of a fanotify mask is about names. @throws {SystemError} */
  add(fd: number, identity: string, mask: number): void {
    const names = (mask & same) | ((mask & Fan.rename) === 0 ? 0 : movedFrom | movedTo);
    if (names === 0) return;
    const watch = addWatch(this.fd, `/proc/self/fd/${fd}`, names);
    if (watch < 0) throw new SystemError('inotify_add_watch', koffi.errno());
    this.#identities.set(watch, identity);
    this.#watches.set(identity, watch);
  }

  remove(identity: string): void {
    const watch = this.#watches.get(identity);
    if (watch === undefined) return;
    this.#watches.delete(identity);
    this.#identities.delete(watch);
    removeWatch(this.fd, watch);
  }

  /** Hands over what waits, in the shape of fanotify's events. @throws when the kernel's answer contradicts itself */
  read(onEvent: (event: FanotifyEvent) => void): void {
    const length = Number(readDescriptor(this.fd, buffer, buffer.length));
    if (length < 0) {
      if (koffi.errno() === eagain) return;
      throw new SystemError('read', koffi.errno());
    }
    decodeInotify(buffer.subarray(0, length), (watch) => this.#identities.get(watch), onEvent);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * Decodes a batch of inotify events. Both halves of a rename are joined where they lie in one batch.
 * @throws {CodedError} FANOTIFY_INVALID
 */
export function decodeInotify(
  batch: Buffer,
  identityOf: (watch: number) => string | undefined,
  onEvent: (event: FanotifyEvent) => void,
): void {
  const moves = new Map<number, FanotifyEvent>();
  for (let at = 0; at < batch.length; ) {
    const end = at + headerBytes + (at + headerBytes <= batch.length ? batch.readUInt32LE(at + 12) : 0);
    if (at + headerBytes > batch.length || end > batch.length)
      throw new CodedError('FANOTIFY_INVALID', `inotify event at byte ${at} is cut off`);
    const mask = batch.readUInt32LE(at + 4);
    const event = eventOf(mask, identityOf(batch.readInt32LE(at)) ?? '', nameIn(batch, at + headerBytes, end));
    const cookie = batch.readUInt32LE(at + 8);
    const from = moves.get(cookie);
    if ((mask & movedFrom) !== 0) moves.set(cookie, event);
    else if ((mask & movedTo) !== 0 && from !== undefined) {
      moves.delete(cookie);
      onEvent({ ...event, oldDirectory: from.oldDirectory, oldName: from.oldName });
    } else onEvent(event);
    at = end;
  }
  for (const event of moves.values()) onEvent(event);
}

function eventOf(mask: number, identity: string, name: string): FanotifyEvent {
  const isMove = (mask & (movedFrom | movedTo)) !== 0;
  const bits = (mask & (same | Fan.overflow | Fan.onDirectory)) | (isMove ? Fan.rename : 0);
  const none = { fd: -1, pid: 0, file: '', directory: '', name: '', oldDirectory: '', oldName: '' };
  if ((mask & movedFrom) !== 0) return { ...none, mask: bits, oldDirectory: identity, oldName: name };
  return { ...none, mask: bits, directory: identity, name };
}

function nameIn(batch: Buffer, start: number, end: number): string {
  const zero = batch.indexOf(0, start);
  return batch.toString('utf8', start, zero < 0 || zero > end ? end : zero);
}
