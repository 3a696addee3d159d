import type { Libbpf } from './libbpf.ts';

/** Offset of `recursion_misses` in struct bpf_prog_info of linux/bpf.h, which only ever grows at its end. */
const missesOffset = 208;
const infoBytes = missesOffset + 8;

/**
 * How often the kernel skipped a program because another run of it, or of any program of its kind, was under way on the
 * same CPU. Undefined on kernels that do not count this (before 5.12).
 */
export function readProgramMisses(libbpf: Libbpf, programFd: number): bigint | undefined {
  const info = Buffer.alloc(infoBytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(infoBytes);
  if (libbpf.objectInfo(programFd, info, length) !== 0 || length.readUInt32LE() < infoBytes) return undefined;
  return info.readBigUInt64LE(missesOffset);
}
