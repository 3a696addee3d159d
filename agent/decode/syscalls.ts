import { syscallNames } from './syscalls.generated.ts';

/** How a syscall was made: by this machine's own numbers, or by those of 32-bit programs. */
export type SyscallAbi = 'native' | '32-bit';

const tables: Record<SyscallAbi, ReadonlyMap<number, string> | undefined> = {
  native: process.arch === 'x64' || process.arch === 'arm64' ? syscallNames[process.arch] : undefined,
  '32-bit': process.arch === 'x64' ? syscallNames.ia32 : undefined,
};
const numbers: Record<SyscallAbi, ReadonlyMap<string, number>> = {
  native: numbersOf(tables.native),
  '32-bit': numbersOf(tables['32-bit']),
};

function numbersOf(table: ReadonlyMap<number, string> | undefined): ReadonlyMap<string, number> {
  return new Map([...(table ?? [])].map(([number, name]) => [name, number]));
}

/** Name of a syscall on this machine's architecture; "" outside of a syscall, "syscall_<n>" where it is not known. */
export function syscallName(number: number, abi: SyscallAbi = 'native'): string {
  if (number < 0) return '';
  return tables[abi]?.get(number) ?? `syscall_${number}`;
}

/** Undefined where this architecture has no such syscall. */
export function syscallNumber(name: string, abi: SyscallAbi = 'native'): number | undefined {
  return numbers[abi].get(name);
}

/** The names of all syscalls of an ABI, by number; empty where they are not known. */
export function syscallsOf(abi: SyscallAbi): ReadonlyMap<number, string> {
  return tables[abi] ?? new Map();
}
