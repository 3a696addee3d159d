import { syscallNames } from './syscalls.generated.ts';

const table: ReadonlyMap<number, string> | undefined =
  process.arch === 'x64' || process.arch === 'arm64' ? syscallNames[process.arch] : undefined;
const numbers = new Map<string, number>([...(table ?? [])].map(([number, name]) => [name, number]));

/** Name of a syscall on this machine's architecture; "" outside of a syscall, "syscall_<n>" where it is not known. */
export function syscallName(number: number): string {
  if (number < 0) return '';
  return table?.get(number) ?? `syscall_${number}`;
}

/** Undefined where this architecture has no such syscall. */
export function syscallNumber(name: string): number | undefined {
  return numbers.get(name);
}
