import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CapabilityEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, type RunOptions, runContainer } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

interface Outcome {
  /** What the kernel answered to each action: "ok" or the name of the error. */
  answers: Map<string, string>;
  capabilities: CapabilityEvent[];
}

/** Docker's seccomp profile refuses most of this before the kernel asks for a capability. */
async function act(actions: readonly string[], options: Omit<RunOptions, 'command'> = {}): Promise<Outcome> {
  const container = await runContainer({
    securityOpt: ['seccomp=unconfined'],
    tmpfs: { '/shm': 'mode=1777' },
    ...options,
    command: ['/bin/privilege', ...actions],
  });
  try {
    await container.wait();
    const lines = (await container.logs()).trim().split('\n');
    return {
      answers: new Map(lines.map((line) => line.split(' ') as [string, string])),
      capabilities: ofKind(await session.eventsOfContainer(container), 'capability'),
    };
  } finally {
    await container.remove();
  }
}

const inKernelOf = { userNamespace: 'own', isInitialUserNamespace: true, syscallAbi: 'native', repeats: 0 } as const;
const nobody = { targetUid: undefined, targetGid: undefined, targetPid: undefined };

/** Action, capability, syscall, what its arguments say, and what a program with the capability gets to hear. */
const questions: readonly [string, string, string, string[], string][] = [
  ['mount', 'CAP_SYS_ADMIN', 'mount', ['MS_NOSUID'], 'ok'],
  ['bind', 'CAP_SYS_ADMIN', 'mount', ['MS_BIND'], 'ok'],
  ['umount', 'CAP_SYS_ADMIN', 'umount2', ['MNT_DETACH'], 'ok'],
  ['packet', 'CAP_NET_RAW', 'socket', ['AF_PACKET', 'SOCK_RAW'], 'ok'],
  ['raw', 'CAP_NET_RAW', 'socket', ['AF_INET', 'SOCK_RAW'], 'ok'],
  ['keyctl', 'CAP_SYS_ADMIN', 'keyctl', ['KEYCTL_CHOWN'], 'ok'],
  ['reboot', 'CAP_SYS_BOOT', 'reboot', ['LINUX_REBOOT_CMD_CAD_OFF'], 'EINVAL'],
  ['swapon', 'CAP_SYS_ADMIN', 'swapon', [], 'ENOENT'],
  ['sethostname', 'CAP_SYS_ADMIN', 'sethostname', [], 'ok'],
  ['settimeofday', 'CAP_SYS_TIME', 'settimeofday', [], 'ok'],
  ['perf_event_open', 'CAP_SYS_ADMIN', 'perf_event_open', [], 'ok'],
  ['mknod', 'CAP_MKNOD', 'mknodat', ['S_IFBLK'], 'ok'],
  ['open_by_handle_at', 'CAP_DAC_READ_SEARCH', 'open_by_handle_at', [], 'ESTALE'],
  ['bpf', 'CAP_SYS_ADMIN', 'bpf', ['BPF_PROG_LOAD'], 'E2BIG'],
  ['unshare-uts', 'CAP_SYS_ADMIN', 'unshare', ['CLONE_NEWUTS'], 'ok'],
  ['pivot_root', 'CAP_SYS_ADMIN', 'pivot_root', [], 'EBUSY'],
  ['bset-drop', 'CAP_SETPCAP', 'prctl', ['PR_CAPBSET_DROP'], 'ok'],
  ['securebits', 'CAP_SETPCAP', 'prctl', ['PR_SET_SECUREBITS'], 'ok'],
  ['capset', 'CAP_SETPCAP', 'capset', [], 'ok'],
  ['chroot', 'CAP_SYS_CHROOT', 'chroot', [], 'ok'],
];
const actions = questions.map(([action]) => action);
const added = ['SYS_ADMIN', 'SYS_BOOT', 'SYS_TIME', 'DAC_READ_SEARCH', 'SYS_PTRACE'];

describe('what a program does with its capabilities', () => {
  let granted: Outcome;
  let denied: Outcome;

  beforeAll(async () => {
    granted = await act(actions, { capAdd: added });
    denied = await act(actions, { capDrop: ['NET_RAW', 'MKNOD', 'SYS_CHROOT', 'SETPCAP'] });
  });

  it.each(questions)('%s, granted: %s in %s', (action, capabilityName, syscallName, args, answer) => {
    expect(granted.answers.get(action)).toBe(answer);
    const found = granted.capabilities.filter((event) => isAbout(event, capabilityName, syscallName, args));
    expect(only(found)).toMatchObject({ ...inKernelOf, ...nobody, comm: 'privilege', granted: true });
  });

  it.each(questions)('%s, refused: %s in %s', (action, capabilityName, syscallName, args) => {
    // capset asks for the capability and is content without it, as long as nothing is added.
    expect(denied.answers.get(action)).toMatch(action === 'capset' ? /^ok$/ : /^E(PERM|ACCES)$/);
    const found = denied.capabilities.filter((event) => isAbout(event, capabilityName, syscallName, args));
    expect(only(found)).toMatchObject({ ...inKernelOf, ...nobody, comm: 'privilege', granted: false });
  });
});

function isAbout(event: CapabilityEvent, capability: string, syscall: string, args: readonly string[]): boolean {
  const isSame = event.capabilityName === capability && event.syscallName === syscall;
  return isSame && event.arguments.join() === args.join();
}

describe('acting on processes of another user', () => {
  const ways = ['ptrace-attach', 'ptrace-seize', 'process_vm_readv', 'open-mem'];
  const facts = ({ syscallName, arguments: args }: CapabilityEvent): string => [syscallName, ...args].join(' ');
  const expected = ['ptrace PTRACE_ATTACH', 'ptrace PTRACE_SEIZE', 'process_vm_readv', 'openat'];

  it.each([
    ['granted', ['SYS_PTRACE'], 'ok'],
    ['refused', [], /^E(PERM|ACCES)$/],
  ] as const)('%s', async (outcome, capAdd, answer) => {
    const { answers, capabilities } = await act(ways, { capAdd: [...capAdd] });
    for (const way of ways) expect(answers.get(way)).toMatch(answer);
    const asked = capabilities.filter((event) => event.capabilityName === 'CAP_SYS_PTRACE');
    expect(asked.map(facts)).toEqual(expected);
    expect(asked.every((event) => event.granted === (outcome === 'granted'))).toBe(true);
    // The child's pid in the container.
    expect(asked.slice(0, 3).map((event) => event.targetPid)).toEqual([
      expect.any(Number),
      expect.any(Number),
      expect.any(Number),
    ]);
    const [attached, seized] = asked;
    expect(seized?.targetPid).toBe((attached?.targetPid ?? 0) + 1);
  });
});

describe('becoming somebody else', () => {
  it('reports whom a program wants to be, and whether it may', async () => {
    const { answers, capabilities } = await act(['setgroups', 'setgid-35', 'setresuid-34', 'setuid-33']);
    expect([...answers.values()]).toEqual(['ok', 'ok', 'ok', 'EPERM']);
    expect(capabilities).toMatchObject([
      { capabilityName: 'CAP_SETGID', syscallName: 'setgroups', granted: true, ...nobody },
      { capabilityName: 'CAP_SETGID', syscallName: 'setgid', granted: true, ...nobody, targetGid: 35 },
      { capabilityName: 'CAP_SETUID', syscallName: 'setresuid', granted: true, ...nobody, targetUid: 34 },
      { capabilityName: 'CAP_SETUID', syscallName: 'setuid', granted: false, ...nobody, targetUid: 33 },
    ]);
  });

  it('reports an attempt to become root again', async () => {
    const { capabilities } = await act(['--as', '65534', 'setuid-0']);
    expect(capabilities.filter((event) => !event.granted)).toMatchObject([
      { capabilityName: 'CAP_SETUID', syscallName: 'setuid', targetUid: 0 },
    ]);
  });
});

describe('what cannot be hidden behind noise', () => {
  it.runIf(process.arch === 'x64')('tells a 32-bit system call by its own number', async () => {
    // i386's mount has the number of x86-64's access.
    const { answers, capabilities } = await act(['mount32']);
    expect(answers.get('mount32')).toBe('EPERM');
    expect(only(capabilities)).toMatchObject({
      capabilityName: 'CAP_SYS_ADMIN',
      syscallName: 'mount',
      syscallNumber: 21,
      syscallAbi: '32-bit',
      arguments: ['MS_NODEV'],
      granted: false,
    });
  });

  it('drops memory accounting of files in memory, and nothing else that writes', async () => {
    expect((await act(['fill-tmpfs'])).capabilities).toEqual([]);
    const command = [
      '/bin/sh',
      '-c',
      '/bin/privilege --unshare 10000000 /bin/sh -c "echo 0 65534 1 > /proc/self/uid_map"',
    ];
    const events = ofKind(
      await session.eventsOf({ command, user: '65534:65534', securityOpt: ['seccomp=unconfined'] }),
      'capability',
    );
    expect(only(events.filter((event) => event.syscallName === 'write'))).toMatchObject({
      capabilityName: 'CAP_SYS_ADMIN',
      // Nobody is root there yet: the program that executed has lost what it got with the namespace.
      granted: false,
      userNamespace: 'own',
      isInitialUserNamespace: false,
    });
  });
});
