import koffi from 'koffi';
import { CodedError } from '../../common/errors.ts';

const libc = koffi.load('libc.so.6');

koffi.struct('timespec', { seconds: 'int64_t', nanoseconds: 'int64_t' });
const clockGettime = libc.func('int clock_gettime(int clock, _Out_ timespec *time)');
const mmap = libc.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)');
const munmap = libc.func('int munmap(void *address, size_t length)');
const getpagesize = libc.func('int getpagesize(void)');
/** glibc has it; other libraries give memory back by themselves. */
const mallocTrim = optionalFunction('int malloc_trim(size_t pad)');
export const vsnprintf = libc.func(
  'int vsnprintf(_Out_ uint8_t *buffer, size_t size, const char *format, void *arguments)',
);

function optionalFunction(prototype: string): ((...args: number[]) => number) | undefined {
  try {
    return libc.func(prototype);
  } catch {
    return undefined;
  }
}

export const Clock = { realtime: 0, boottime: 7 } as const;

/** Nanoseconds of a Linux clock. @see https://man7.org/linux/man-pages/man2/clock_gettime.2.html */
export function readClockNs(clock: (typeof Clock)[keyof typeof Clock]): bigint {
  const time = { seconds: 0, nanoseconds: 0 };
  if (clockGettime(clock, time) !== 0) throw new CodedError('CLOCK_UNREADABLE', `clock ${clock} cannot be read`);
  return BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);
}

/**
 * Gives memory that was freed back to the system. Loading BPF programs takes tens of megabytes for a moment, which the
 * allocator would keep for the life of the process.
 */
export function releaseFreedMemory(): void {
  mallocTrim?.(0);
}

export const pageBytes: number = getpagesize();

export const Protection = { read: 1, write: 2 } as const;
const mapShared = 1;
const mapFailed = 2n ** 64n - 1n;

export interface Mapping {
  buffer: ArrayBuffer;
  /** The buffer must not be touched afterwards. */
  unmap(): void;
}

/** Maps part of a file descriptor's object into memory. @throws {CodedError} MMAP_FAILED with the system's error number. */
export function mapMemory(fd: number, lengthBytes: number, protection: number, offset: number): Mapping {
  const address = mmap(null, lengthBytes, protection, mapShared, fd, offset);
  if (koffi.address(address) === mapFailed)
    throw new CodedError(
      'MMAP_FAILED',
      `${lengthBytes} bytes of descriptor ${fd} cannot be mapped: errno ${koffi.errno()}`,
    );
  return {
    buffer: koffi.view(address, lengthBytes),
    unmap: () => munmap(address, lengthBytes),
  };
}
