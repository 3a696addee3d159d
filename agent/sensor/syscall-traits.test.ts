import { describe, expect, it } from 'vitest';
import { syscallTraitsBytes } from '../decode/layout.generated.ts';
import { syscallNumber, syscallsOf } from '../decode/syscalls.ts';
import { noise, writtenDescriptor } from './noise.ts';
import { syscallTraitRows } from './syscall-traits.ts';

const bit = (capability: number): bigint => 1n << BigInt(capability);
const sysAdmin = 21;
const rows = new Map(syscallTraitRows().map(({ index, value }) => [index, value]));

function native(name: string): Buffer {
  const number = syscallNumber(name);
  if (number === undefined) throw new Error(name);
  return rows.get(number) ?? Buffer.alloc(syscallTraitsBytes);
}

describe('the rows of the kernel’s table', () => {
  it('have the size of the struct and lie in the table', () => {
    for (const [index, value] of rows) {
      expect(value).toHaveLength(syscallTraitsBytes);
      expect(index).toBeLessThan(1024);
    }
  });

  it('say what is noise', () => {
    expect(native('mmap').readBigUInt64LE(0) & bit(sysAdmin)).not.toBe(0n);
    expect(native('mount').readBigUInt64LE(0)).toBe(0n);
    expect(native('write').readBigUInt64LE(0)).toBe(0n);
    expect(native('write').readUInt32LE(16)).toBe(1);
    expect(native('splice').readUInt32LE(16)).toBe(3);
    expect(native('clone3').readUInt32LE(20)).toBe(1);
    expect(native('readlinkat').readBigUInt64LE(8)).toBe(bit(19));
  });

  it.runIf(process.arch === 'x64')('keep 32-bit programs apart', () => {
    const i386Mount = 21;
    expect(syscallsOf('32-bit').get(i386Mount)).toBe('mount');
    expect(syscallsOf('native').get(i386Mount)).toBe('access');
    const row = rows.get(512 + i386Mount);
    expect(row?.readBigUInt64LE(0)).toBe(0n);
    expect(row?.readBigUInt64LE(8)).toBe(0n);
  });
});

describe('the table of noise', () => {
  it('names syscalls that exist, once for each capability', () => {
    const known = new Set([...syscallsOf('native').values(), ...syscallsOf('32-bit').values()]);
    const pairs = noise.flatMap((row) => row.syscalls.map((syscall) => `${row.capability} ${syscall}`));
    expect(new Set(pairs).size).toBe(pairs.length);
    // What only another architecture has is allowed to be missing here.
    const missing = noise.flatMap((row) => row.syscalls.filter((syscall) => !known.has(syscall)));
    expect(missing).toEqual(process.arch === 'x64' ? [] : expect.any(Array));
  });

  it('says of every row why, and what it hides', () => {
    for (const row of noise) {
      expect(row.reason).toMatch(/\.$/);
      expect(row.hides).toMatch(/\.$/);
    }
    expect(
      noise.some((row) => row.when === 'memory-file' && row.syscalls.join() === Object.keys(writtenDescriptor).join()),
    ).toBe(true);
  });
});
