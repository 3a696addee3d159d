import { describe, expect, it } from 'vitest';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import {
  ExecutableLayer,
  ProcessEntry,
  ProcessExecution as Reported,
} from '../../proto/generated/tallyman/v1/process.ts';
import type { ProcessExecution } from '../process/process.ts';
import { ancestryEvidence, eventEvidence, reportedExecution } from './evidence.ts';
import { capabilityEvent, connectEvent, tcpEvent, testExecution } from './test-events.ts';

const clock = { unixNs: (ktimeNs: bigint) => 1_700_000_000_000_000_000n + ktimeNs };

/** What a process is between fork and exec. */
function forkOf(parent: ProcessExecution, pid: number): ProcessExecution {
  const startKtimeNs = parent.startKtimeNs + BigInt(pid);
  return { ...parent, pid, startKtimeNs, execKtimeNs: startKtimeNs, entry: 'internal', parent };
}

describe('ancestryEvidence', () => {
  it('gives the chain from the acting execution to the first process', () => {
    const acting = testExecution({
      executable: { path: '/tmp/x', layer: 'writable' },
      parent: {
        executable: { path: '/bin/sh' },
        entry: 'internal',
        parent: { executable: { path: '/usr/sbin/nginx' } },
      },
    });
    const { processes, complete } = ancestryEvidence(acting, clock);
    expect(processes.map((process) => process.executable?.path)).toEqual(['/tmp/x', '/bin/sh', '/usr/sbin/nginx']);
    expect(processes[2]?.entry).toBe(ProcessEntry.CONTAINER_INIT);
    expect(complete).toBe(true);
  });

  it('leaves out what a process was between fork and exec, but no process of its own', () => {
    const shell = testExecution({ pid: 10, executable: { path: '/bin/sh' }, entry: 'container-init' });
    const daemon = forkOf(shell, 11);
    const copy = forkOf(daemon, 12);
    const acting = {
      ...testExecution({ executable: { path: '/tmp/x' } }),
      pid: 12,
      startKtimeNs: copy.startKtimeNs,
      parent: copy,
      parentMissing: false,
    };
    expect(ancestryEvidence(acting, clock).processes.map((process) => process.pid)).toEqual([12, 11, 10]);
  });

  it('says when an ancestor is missing, or the process itself', () => {
    expect(ancestryEvidence(testExecution({ entry: 'internal' }), clock).complete).toBe(false);
    expect(ancestryEvidence(testExecution({ entry: 'exec-session' }), clock).complete).toBe(true);
    expect(ancestryEvidence(undefined, clock)).toEqual({ processes: [], complete: false });
  });

  it('cuts a chain at 64 ancestors and says so', () => {
    let execution = testExecution({ pid: 1, entry: 'container-init' });
    for (let pid = 2; pid < 200; pid++)
      execution = { ...testExecution({ pid }), parent: execution, parentMissing: false };
    const { processes, complete } = ancestryEvidence(execution, clock);
    expect([processes.length, complete]).toEqual([65, false]);
  });
});

describe('reportedExecution', () => {
  it('survives the wire with every field', () => {
    const execution = testExecution({
      executable: { path: '/tmp/x', layer: 'tmpfs', unlinked: true, setuid: true, inode: 2 ** 50 },
      argv: ['x', 'größe'],
      credentials: { uid: 4_294_967_295 },
      capabilities: { effective: ['CAP_CHECKPOINT_RESTORE'] },
      stdioSockets: [{ fd: 0, family: 'ipv4', peerAddress: '203.0.113.9', peerPort: 4444 }],
      hasTty: true,
    });
    const reported = reportedExecution({ ...execution, endKtimeNs: 9n, exitCode: 3, exitSignal: 9 }, clock);
    expect(Reported.decode(Reported.encode(reported).finish())).toEqual(reported);
    expect(reported).toMatchObject({
      startUnixNs: clock.unixNs(execution.startKtimeNs),
      endUnixNs: clock.unixNs(9n),
      exitCode: 3,
      exitSignal: 9,
      executable: { layer: ExecutableLayer.TMPFS, inode: 2n ** 50n },
      capabilities: { effective: 1n << 40n },
    });
    expect(reportedExecution(execution, clock)).toMatchObject({ endUnixNs: 0n, exitCode: 0, exitSignal: 0 });
  });

  it('bounds the arguments and flags what it cut', () => {
    const many = reportedExecution(testExecution({ argv: Array.from({ length: 5_000 }, () => 'a') }), clock);
    expect([many.argv.length, many.argvTruncated]).toEqual([128, true]);
    const long = reportedExecution(
      testExecution({ argv: Array.from({ length: 100 }, () => 'b'.repeat(100_000)) }),
      clock,
    );
    expect(long.argv.join(' ').length).toBeLessThanOrEqual(8_192);
    expect(long.argvTruncated).toBe(true);
    const fits = reportedExecution(testExecution({ argv: ['ls', '', '-l'] }), clock);
    expect([fits.argv, fits.argvTruncated]).toEqual([['ls', '', '-l'], false]);
  });
});

describe('eventEvidence', () => {
  it('survives the wire for every kind, with counts', () => {
    const capability = capabilityEvent({ event: { capabilityName: 'CAP_BPF', granted: false } }).event;
    const events = [
      { ...capability, repeats: 4 },
      { ...capability, syscallNumber: -1, syscallName: '' },
      connectEvent({ event: { remoteAddress: 'fd00::1' } }).event,
      tcpEvent({ event: { state: 'listening' } }).event,
    ].map((event) => eventEvidence(event as typeof capability, clock));
    for (const event of events) {
      const finding = Finding.decode(Finding.encode(Finding.fromPartial({ event })).finish());
      expect(finding.event).toEqual(event);
    }
    expect(events[0]?.evidence).toMatchObject({ value: { count: 5n, capability: 39, granted: false } });
    expect(events[1]?.evidence).toMatchObject({ value: { syscallNumber: 0, syscallName: '' } });
    expect(events[2]?.evidence).toMatchObject({ value: { family: 'ipv6', state: 'attempted', transport: 'tcp' } });
    expect(events[3]?.evidence).toMatchObject({ value: { state: 'listening', remoteAddress: '', remotePort: 0 } });
  });
});
