import koffi from 'koffi';

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
export function effectiveFileCapabilities(fd: number): bigint {
  const value = Buffer.alloc(maxBytes);
  const length = Number(getxattr(`/proc/self/fd/${fd}`, 'security.capability', value, value.length));
  if (length < leastBytes || (value.readUInt32LE(0) & effectiveFlag) === 0) return 0n;
  return BigInt(value.readUInt32LE(4)) | (BigInt(value.readUInt32LE(12)) << 32n);
}
