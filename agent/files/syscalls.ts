import { closeSync, constants, fstatSync } from 'node:fs';
import koffi from 'koffi';
import { SystemError } from './system-error.ts';

const libc = koffi.load('libc.so.6');
/** openat2 has no wrapper in glibc. */
const openat2 = libc.func('long syscall(long number, int directory, const char *path, const void *how, size_t bytes)');
const readlinkat = libc.func(
  'int64_t readlinkat(int directory, const char *path, _Out_ uint8_t *buffer, size_t bytes)',
);
const nameToHandleAt = libc.func(
  'int name_to_handle_at(int directory, const char *path, _Inout_ uint8_t *handle, _Out_ int *mountId, int flags)',
);
const fstatfs = libc.func('int fstatfs(int fd, _Out_ uint8_t *buffer)');
const openat2Bytes = libc.func(
  'long syscall(long number, int directory, const uint8_t *path, const void *how, size_t bytes)',
);
const fgetxattr = libc.func('int64_t fgetxattr(int fd, const char *name, _Out_ uint8_t *value, size_t bytes)');

const openat2Number = 437;
const Resolve = { noCrossing: 0x01, noMagicLinks: 0x02, noLinks: 0x04, beneath: 0x08, inRoot: 0x10 } as const;
export const Open = {
  path: 0o10_000_000,
  noFollow: process.arch === 'arm64' ? 0o100_000 : 0o400_000,
  closeOnExec: 0o2_000_000,
} as const;
const emptyPath = 0x1000;
/** AT_HANDLE_FID: a handle to compare, not to open; file systems need not be exportable for it (Linux 6.5). */
const handleToCompare = 0x200;
const maxHandleBytes = 128;
const handleHeaderBytes = 8;
const maxLinkBytes = 4096;
const maxAttributeBytes = 255;
/** ERANGE */
const valueIsLonger = 34;
/** Of struct statfs on 64-bit machines: f_fsid. */
const fsidOffset = 56;
const statfsBytes = 120;

export interface OpenOptions {
  /** A symbolic link at the end is opened itself, not what it leads to. */
  noFollow?: boolean;
  /** Mount points are not crossed: what is mounted may be a file system of the container's own, which need not answer. */
  sameFileSystem?: boolean;
}

/**
 * Opens a path as a process would whose root is `root`: symbolic links, absolute ones and "..", cannot lead out of it. The
 * descriptor only names the file: nothing is opened on the file's side, no driver is asked, no event arises.
 * @see https://man7.org/linux/man-pages/man2/openat2.2.html
 * @throws {SystemError} with the call's errno
 */
export function openInRoot(root: number, path: string, options: OpenOptions = {}): number {
  const { noFollow = false, sameFileSystem = false } = options;
  const resolve = Resolve.inRoot | Resolve.noMagicLinks | (sameFileSystem ? Resolve.noCrossing : 0);
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(Open.path | Open.closeOnExec | (noFollow ? Open.noFollow : 0)), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  const fd = Number(openat2(openat2Number, root, path, how, how.length));
  if (fd < 0) throw new SystemError('openat2', koffi.errno());
  return fd;
}

/**
 * Opens what has this very path below `root`: no symbolic link on the way or at the end, no "..", no mount point. The path
 * is bytes, as file systems keep names. Devices and FIFOs do not block (but a driver is asked: look at the type first).
 * @throws {SystemError} ELOOP where there is a link, EXDEV where another file system is mounted
 */
export function openBeneath(root: number, path: Uint8Array, flags: number): number {
  const how = Buffer.alloc(24);
  const waits = (flags & Open.path) === 0 ? constants.O_NONBLOCK : 0;
  how.writeBigUInt64LE(BigInt(flags | waits | Open.noFollow | Open.closeOnExec), 0);
  how.writeBigUInt64LE(BigInt(Resolve.beneath | Resolve.noLinks | Resolve.noMagicLinks | Resolve.noCrossing), 16);
  const terminated = Buffer.concat([path, Buffer.alloc(1)]);
  const fd = Number(openat2Bytes(openat2Number, root, terminated, how, how.length));
  if (fd < 0) throw new SystemError('openat2', koffi.errno());
  return fd;
}

/** An extended attribute of an open file, at most 255 bytes of it; undefined where it has none or the file system has none at all. */
export function attributeOf(fd: number, name: string): Buffer | undefined {
  const value = Buffer.alloc(maxAttributeBytes);
  const length = Number(fgetxattr(fd, name, value, value.length));
  if (length >= 0) return value.subarray(0, length);
  return koffi.errno() === valueIsLonger ? value : undefined;
}

/** What a symbolic link says, for a descriptor of the link itself. @throws {SystemError} */
export function readLinkOf(fd: number): string {
  const buffer = Buffer.alloc(maxLinkBytes);
  const length = Number(readlinkat(fd, '', buffer, buffer.length));
  if (length < 0) throw new SystemError('readlinkat', koffi.errno());
  return buffer.toString('utf8', 0, length);
}

/**
 * The identity of a file as fanotify tells it: file system id, handle type and handle, in hexadecimal.
 * @see https://man7.org/linux/man-pages/man2/open_by_handle_at.2.html
 * @throws {SystemError} ENOTSUP (EOPNOTSUPP) where the file system has no handles
 */
export function identityOf(fd: number): string {
  const handle = Buffer.alloc(handleHeaderBytes + maxHandleBytes);
  const take = (flags: number): boolean => {
    handle.writeUInt32LE(maxHandleBytes, 0);
    return nameToHandleAt(fd, '', handle, [0], emptyPath | flags) === 0;
  };
  if (!take(handleToCompare) && !take(0)) throw new SystemError('name_to_handle_at', koffi.errno());
  const fsid = Buffer.alloc(statfsBytes);
  if (fstatfs(fd, fsid) !== 0) throw new SystemError('fstatfs', koffi.errno());
  const handleBytes = handle.readUInt32LE(0);
  return fsid.toString('hex', fsidOffset, fsidOffset + 8) + handle.toString('hex', 0, handleHeaderBytes + handleBytes);
}

/** Device and inode number of a file: what identifies it where there are no handles. */
export function inodeOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
}

/** Calls with a descriptor that is closed in any case. */
export function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
