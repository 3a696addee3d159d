import { capabilityNumber } from '../../common/capabilities.ts';
import { layouts, SyscallAbi as RawAbi, syscallTraitsBytes } from '../decode/layout.generated.ts';
import { keyArguments } from '../decode/syscall-arguments.ts';
import { type SyscallAbi, syscallsOf } from '../decode/syscalls.ts';
import { type NoiseCondition, noise, writtenDescriptor } from './noise.ts';

/** Numbers below this have a row in the kernel's table, for each ABI; SYSCALL_NUMBERS in agent/bpf. */
const syscallNumbers = 512;
const abis: readonly [SyscallAbi, number][] = [
  ['native', RawAbi.SYSCALL_ABI_NATIVE],
  ['32-bit', RawAbi.SYSCALL_ABI_32BIT],
];

/** Index and value of every row of the kernel's table of syscalls that is not empty. */
export function syscallTraitRows(): { index: number; value: Buffer }[] {
  return abis.flatMap(([abi, number]) =>
    [...syscallsOf(abi)]
      .filter(([syscall]) => syscall < syscallNumbers)
      .map(([syscall, name]) => ({ index: number * syscallNumbers + syscall, value: traitsOf(name) }))
      .filter(({ value }) => value.some((byte) => byte !== 0)),
  );
}

function traitsOf(syscall: string): Buffer {
  const traits = Buffer.alloc(syscallTraitsBytes);
  const when = conditionsOf(syscall);
  traits.writeBigUInt64LE(capabilityMask(syscall, 'always'), offsetOf('noise'));
  traits.writeBigUInt64LE(capabilityMask(syscall, 'denied'), offsetOf('noise_if_denied'));
  if (when.has('memory-file'))
    traits.writeUInt32LE((writtenDescriptor[syscall] ?? 0) + 1, offsetOf('memory_file_argument'));
  if (when.has('no-new-namespaces')) traits.writeUInt32LE(1, offsetOf('new_namespaces'));
  for (const [place, { index, mask }] of keyArguments(syscall).entries()) {
    traits.writeBigUInt64LE(BigInt(index), offsetOf('key_argument') + place * 8);
    traits.writeBigUInt64LE(BigInt(mask), offsetOf('key_mask') + place * 8);
  }
  return traits;
}

function conditionsOf(syscall: string): Set<NoiseCondition> {
  return new Set(noise.filter((row) => row.syscalls.includes(syscall)).map((row) => row.when));
}

function capabilityMask(syscall: string, when: NoiseCondition): bigint {
  return noise
    .filter((row) => row.when === when && row.syscalls.includes(syscall))
    .reduce((mask, row) => mask | (1n << BigInt(capabilityNumber(row.capability))), 0n);
}

function offsetOf(field: string): number {
  const found = layouts.find(({ name }) => name === 'syscall_traits')?.fields.find(({ name }) => name === field);
  if (found === undefined) throw new Error(`struct syscall_traits has no field ${field}`);
  return found.offset;
}
