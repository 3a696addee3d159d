import koffi from 'koffi';
import { ContainerRoot } from './container-root.ts';
import { openInRoot, withFd } from './syscalls.ts';
import { SystemError } from './system-error.ts';

const libc = koffi.load('libc.so.6');
const getxattr = libc.func('int64_t getxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t bytes)');

const effectiveFlag = 1;
const maxBytes = 64;
/** Up to the permitted sets of a vfs_cap_data: two words and one between them. */
const leastBytes = 20;

/**
 * Capabilities that a file carries with the effective bit, as a mask: without all of them in the bounding set it cannot be
 * executed, by root neither. 0n where it carries none, or without that bit.
 * @see struct vfs_cap_data of linux/capability.h; https://man7.org/linux/man-pages/man7/capabilities.7.html (file capabilities)
 */
function effectiveFileCapabilities(fd: number): bigint {
  const value = Buffer.alloc(maxBytes);
  const length = Number(getxattr(`/proc/self/fd/${fd}`, 'security.capability', value, value.length));
  if (length < leastBytes || (value.readUInt32LE(0) & effectiveFlag) === 0) return 0n;
  return BigInt(value.readUInt32LE(4)) | (BigInt(value.readUInt32LE(12)) << 32n);
}

/**
 * Capabilities that an executable of a container carries, read through the first of these processes that still shows its
 * files. 0n when the file is gone; undefined where no process shows them any more.
 */
export function fileCapabilitiesOf(
  root: Omit<RootOptions, 'pid'>,
  path: string,
  pids: readonly number[],
): bigint | undefined {
  for (const pid of pids) {
    try {
      return inRootOf({ ...root, pid }, path);
    } catch (error) {
      if (error instanceof SystemError && error.code === 'ENOENT') return 0n;
    }
  }
  return undefined;
}

interface RootOptions {
  procRoot: string;
  containerId: string;
  hostMountNamespace: bigint;
  pid: number;
}

function inRootOf({ procRoot, pid, containerId, hostMountNamespace }: RootOptions, path: string): bigint {
  const root = new ContainerRoot(procRoot, pid, containerId, hostMountNamespace);
  try {
    return root.use((fd) => withFd(openInRoot(fd, path), effectiveFileCapabilities));
  } finally {
    root.close();
  }
}
