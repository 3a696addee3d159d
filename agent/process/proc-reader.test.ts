import { describe, expect, it } from 'vitest';
import { parseProcStat, parseProcStatus, readCgroupPids, readProcess } from './proc-reader.ts';

const statLine = (comm: string, state = 'S'): string =>
  `4242 (${comm}) ${state} 17 4242 4242 34816 4242 4194304 101 0 0 0 1 2 0 0 20 0 1 0 987654 2383872 90 18446744073709551615`;

describe('parseProcStat', () => {
  it.each(['sleep', 'a b', 'x) R 1 (y', '((', '))'])('finds the fields behind the command %j', (comm) => {
    expect(parseProcStat(statLine(comm))).toEqual({
      ...{ comm, state: 'S', parentPid: 17, hasTty: true, startKtimeNs: 9_876_540_000_000n },
      ...{ sessionId: 4242, tty: 'pts/0' },
    });
  });

  it.each(['', '1', '1 (a', '1 (a) S 1', ')('])('refuses %j', (text) => {
    expect(parseProcStat(text)).toBeUndefined();
  });
});

describe('parseProcStatus', () => {
  const text = [
    ...['Name:\tsh', 'NSpid:\t4242\t17\t3', 'Uid:\t1000\t0\t0\t0', 'Gid:\t33\t34\t35\t36'],
    ...['CapInh:\t0000000000000000', 'CapPrm:\t000001ffffffffff', 'CapEff:\t00000000a80425fb'],
    ...['CapBnd:\t00000000a80425fb', 'CapAmb:\tgarbage'],
  ];

  it('reads identity and capabilities', () => {
    expect(parseProcStatus(text.join('\n'))).toEqual({
      containerPid: 3,
      credentials: { uid: 1000, euid: 0, suid: 0, gid: 33, egid: 34, sgid: 35 },
      capabilities: {
        inheritable: 0n,
        permitted: 0x1ffffffffffn,
        effective: 0xa80425fbn,
        bounding: 0xa80425fbn,
        ambient: 0n,
      },
    });
  });

  it('refuses a text without credentials', () => {
    expect(parseProcStatus(text.filter((line) => !line.startsWith('Uid')).join('\n'))).toBeUndefined();
    expect(parseProcStatus('')).toBeUndefined();
  });
});

describe('readProcess', () => {
  it('reads this very process', () => {
    const self = readProcess('/proc', process.pid);
    expect(self).toMatchObject({ pid: process.pid, parentPid: process.ppid, cwd: process.cwd() });
    expect(self?.executable).toMatchObject({ path: process.execPath, unlinked: false, setuid: false });
    expect(self?.argv.length).toBeGreaterThan(0);
    expect(self?.credentials.uid).toBe(process.getuid?.());
  });

  it('answers nothing for a process that is not there', async () => {
    expect(readProcess('/proc', 2 ** 30)).toBeUndefined();
    expect(readProcess('/nowhere', 1)).toBeUndefined();
    expect(await readCgroupPids('/nowhere')).toEqual([]);
  });
});
