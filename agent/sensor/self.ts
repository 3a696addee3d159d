import type { Libbpf } from './libbpf.ts';

/** struct bpf_test_run_opts of libbpf; the first field is its size, the others stay zero. */
const testRunOptionsBytes = 80;

/**
 * Has the programs find out in which cgroup this process is, which is then never reported. False on kernels that cannot run
 * such a program: user space then judges the cgroup by what /proc says.
 */
export function introduceSelf(libbpf: Libbpf, programFd: number): boolean {
  const options = Buffer.alloc(testRunOptionsBytes);
  options.writeBigUInt64LE(BigInt(testRunOptionsBytes));
  return libbpf.testRun(programFd, options) === 0;
}
