import { accessSync, constants, statSync } from 'node:fs';
import { errorText } from '../../common/errors.ts';
import type { Check } from './check.ts';

export function checkBtf(path = '/sys/kernel/btf/vmlinux'): Check {
  const check = { name: 'BTF', looked: path };
  try {
    accessSync(path, constants.R_OK);
    return { ...check, state: 'good', found: `${Math.round(statSync(path).size / 1024)} KiB of kernel types` };
  } catch (thrown) {
    return {
      ...check,
      state: 'blocked',
      found: errorText(thrown),
      follows: 'the programs cannot be fitted to this kernel',
      todo: 'use a kernel built with CONFIG_DEBUG_INFO_BTF (every current distribution), or mount /sys into the container',
    };
  }
}

export async function checkLibbpf(): Promise<Check> {
  const check = { name: 'libbpf', looked: 'libbpf.so.1 through the dynamic loader' };
  try {
    const { loadLibbpf } = await import('../../agent/sensor/libbpf.ts');
    return { ...check, state: 'good', found: loadLibbpf().version() };
  } catch (thrown) {
    return {
      ...check,
      state: 'blocked',
      found: errorText(thrown),
      follows: 'nothing can load the BPF programs',
      todo: 'install it (Debian: apt-get install libbpf1)',
    };
  }
}

export function checkBpfObject(path: string): Check {
  const check = { name: 'BPF object', looked: path };
  try {
    const { size, mtime } = statSync(path);
    return {
      ...check,
      state: 'good',
      found: `${Math.round(size / 1024)} KiB, compiled ${mtime.toISOString().slice(0, 19)}Z`,
    };
  } catch (thrown) {
    return {
      ...check,
      state: 'blocked',
      found: errorText(thrown),
      follows: 'there is nothing to load into the kernel',
      todo: 'compile it: make bpf',
    };
  }
}
