import { describe, expect, it } from 'vitest';
import { keyArguments, syscallFacts } from './syscall-arguments.ts';
import { syscallsOf } from './syscalls.ts';

const unchanged = 0xffff_ffffn;

describe('syscallFacts', () => {
  it.each<[string, bigint[], Partial<ReturnType<typeof syscallFacts>>]>([
    ['unshare', [0x1002_0000n], { arguments: ['CLONE_NEWNS', 'CLONE_NEWUSER'] }],
    ['clone', [0x0120_0011n], { arguments: [] }],
    ['socket', [17n, 0x80003n], { arguments: ['AF_PACKET', 'SOCK_RAW'] }],
    ['socket', [99n, 3n], { arguments: ['0x63', 'SOCK_RAW'] }],
    ['ptrace', [0x4206n, 12n], { arguments: ['PTRACE_SEIZE'], targetPid: 12 }],
    ['mknodat', [0n, 0n, 0o060600n], { arguments: ['S_IFBLK'] }],
    ['setuid', [33n], { targetUid: 33 }],
    ['setuid32', [33n], { targetUid: 33 }],
    ['setresuid', [unchanged, 34n, unchanged], { targetUid: 34 }],
    ['setresuid', [35n, unchanged, unchanged], { targetUid: 35 }],
    ['setresgid', [unchanged, unchanged, unchanged], { targetGid: undefined }],
    ['kill', [2n ** 64n - 1n], { targetPid: undefined }],
    ['kill', [0n], { targetPid: undefined }],
    ['chown', [1n, 2n, 3n], { arguments: [] }],
    ['', [], { arguments: [] }],
  ])('%s %#', (syscall, values, facts) => {
    const none = { arguments: [], targetUid: undefined, targetGid: undefined, targetPid: undefined };
    expect(syscallFacts(syscall, values)).toEqual({ ...none, ...facts });
  });

  it('reads what is there when arguments are missing', () => {
    expect(syscallFacts('ptrace', [])).toMatchObject({ arguments: ['PTRACE_TRACEME'], targetPid: undefined });
  });
});

describe('keyArguments', () => {
  it('names at most two of the first five, with bits that an argument can have', () => {
    const all = [...syscallsOf('native').values(), ...syscallsOf('32-bit').values()].map(keyArguments);
    expect(all.some((keys) => keys.length > 0)).toBe(true);
    for (const keys of all) {
      expect(keys.length).toBeLessThanOrEqual(2);
      for (const { index, mask } of keys) {
        expect(index).toBeLessThan(5);
        expect(mask).toBeGreaterThan(0);
      }
    }
  });
});
