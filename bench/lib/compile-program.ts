import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Compiles a BPF program of bench/programs; answers the object's path. @throws with what clang said */
export function compileProgram(name: string): string {
  const object = `.build/${name}.bpf.o`;
  mkdirSync('.build', { recursive: true });
  const [define, machine] =
    process.arch === 'arm64' ? ['-D__TARGET_ARCH_arm64', 'aarch64'] : ['-D__TARGET_ARCH_x86', 'x86_64'];
  const include = `/usr/include/${machine}-linux-gnu`;
  const flags = ['-O2', '-g', '-target', 'bpf', define, '-I', 'agent/bpf', '-idirafter', include];
  execFileSync('clang', [...flags, '-c', `bench/programs/${name}.bpf.c`, '-o', object]);
  return object;
}
