import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyscallEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, runContainer } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

const actions = ['traceme', 'seize', 'writev', 'memfd', 'dup2', 'dup', 'fcntl', 'dup2-file', 'io_uring', 'userfaultfd'];

interface Outcome {
  answers: Map<string, string>;
  calls: SyscallEvent[];
}

/** Docker's seccomp profile refuses some of this before it is made. */
async function make(session: SensorSession): Promise<Outcome> {
  const container = await runContainer({
    command: ['/bin/pack', ...actions],
    securityOpt: ['seccomp=unconfined'],
  });
  try {
    await container.wait();
    const lines = (await container.logs()).trim().split('\n');
    return {
      answers: new Map(lines.map((line) => line.split(' ') as [string, string])),
      calls: ofKind(await session.eventsOfContainer(container), 'syscall'),
    };
  } finally {
    await container.remove();
  }
}

beforeAll(() => buildTestImage());

describe('with the syscall pack', () => {
  let session: SensorSession;
  let outcome: Outcome;

  beforeAll(async () => {
    session = new SensorSession({ syscallPack: true }).start();
    outcome = await make(session);
  });

  afterAll(() => session.close());

  it('is attached, and says how', () => {
    const hook = only(session.sensor.hooks.filter(({ name }) => name === 'syscall-pack'));
    expect(['fexit/__x64_sys_ptrace', 'fexit/__arm64_sys_ptrace', 'tp_btf/sys_exit']).toContain(hook.attachPoint);
  });

  const nothing = { name: '', stdioFd: undefined, peerAddress: '', peerPort: 0, arguments: [], targetPid: undefined };

  it.each<[string, string, Partial<SyscallEvent>]>([
    ['traceme', 'ptrace', { arguments: ['PTRACE_TRACEME'] }],
    ['seize', 'ptrace', { arguments: ['PTRACE_SEIZE'], targetPid: expect.any(Number) }],
    ['writev', 'process_vm_writev', { result: 8n, targetPid: expect.any(Number) }],
    ['memfd', 'memfd_create', { name: 'payload', result: expect.any(BigInt) }],
    ['dup2', 'dup2', { result: 0n, stdioFd: 0, peerAddress: '127.0.0.1', peerPort: 4444 }],
    ['dup', 'dup', { result: 0n, stdioFd: 0, peerAddress: '127.0.0.1', peerPort: 4444 }],
    ['fcntl', 'fcntl', { result: 0n, stdioFd: 0, peerAddress: '127.0.0.1', peerPort: 4444, arguments: ['F_DUPFD'] }],
  ])('reports %s', (action, syscallName, fields) => {
    expect(outcome.answers.get(action)).toBe('ok');
    const isWay = (call: SyscallEvent): boolean =>
      syscallName !== 'ptrace' || call.arguments[0] === fields.arguments?.[0];
    const call = only(outcome.calls.filter((each) => each.syscallName === syscallName && isWay(each)));
    expect(call).toMatchObject({ kind: 'syscall', comm: 'pack', errno: 0, repeats: 0, ...nothing, ...fields });
  });

  it.each([
    ['io_uring', 'io_uring_setup'],
    ['userfaultfd', 'userfaultfd'],
  ])('reports %s with its outcome', (action, syscallName) => {
    const call = only(outcome.calls.filter((each) => each.syscallName === syscallName));
    // A kernel may be built without it, or refuse it.
    if (outcome.answers.get(action) === 'ok') expect(call).toMatchObject({ errno: 0, result: expect.any(BigInt) });
    else expect(call).toMatchObject({ result: undefined, errno: expect.toSatisfy((errno: number) => errno > 0) });
  });

  it('says nothing of descriptors that are no sockets', () => {
    expect(outcome.answers.get('dup2-file')).toBe('ok');
    expect(outcome.calls.filter((call) => call.syscallName === 'dup2')).toHaveLength(1);
  });
});

describe('without it', () => {
  it('hooks no system call, and still sees io_uring', async () => {
    const session = new SensorSession().start();
    try {
      expect(session.sensor.hooks.map(({ name }) => name)).not.toContain('syscall-pack');
      const { answers, calls } = await make(session);
      const expected = answers.get('io_uring') === 'ok' ? ['io_uring_setup'] : [];
      expect(calls.map((call) => call.syscallName)).toEqual(expected);
    } finally {
      session.close();
    }
  });
});
