import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KernelEvent, NamespaceEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, type RunOptions } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

const unconfined = { securityOpt: ['seccomp=unconfined'] };
const asNobody = { ...unconfined, user: '65534:65534' };
const hostNamespaces = { user: 0xef_ff_ff_fd, pid: 0xef_ff_ff_fc };

function run(command: string[], options: Omit<RunOptions, 'command'>): Promise<KernelEvent[]> {
  return session.eventsOf({ command: ['/bin/privilege', ...command], ...options });
}

/** The namespaces that differ between before and after. */
function differing({ before, after }: NamespaceEvent): string[] {
  return Object.keys(before).filter((kind) => before[kind as 'user'] !== after[kind as 'user']);
}

it.each(['clone', 'clone3'])('reports a child that %s puts into namespaces of its own', async (way) => {
  const events = await run([`--${way}`, '10020000', '/bin/privilege', 'mount'], asNobody);
  const event = only(ofKind(events, 'namespace'));
  const child = only(ofKind(events, 'fork'));
  expect(event).toMatchObject({
    kind: 'namespace',
    comm: 'privilege',
    pid: child.childPid,
    startKtimeNs: child.childStartKtimeNs,
    changed: ['mount', 'user'],
    toHost: [],
    syscallName: way,
    arguments: ['CLONE_NEWNS', 'CLONE_NEWUSER'],
    repeats: 0,
  });
  expect(differing(event)).toEqual(['mount', 'user']);
  expect(event.before.user).toBe(hostNamespaces.user);
  // The clone itself asks for the mount namespace in the new user namespace, and what the child does is asked there.
  expect(ofKind(events, 'capability')).toMatchObject([
    { syscallName: way, arguments: ['CLONE_NEWNS', 'CLONE_NEWUSER'], granted: true, userNamespace: 'descendant' },
    { syscallName: 'mount', userNamespace: 'own', isInitialUserNamespace: false },
  ]);
});

it.each([
  ['and executes a program', ['/bin/true']],
  ['and ends', []],
])('reports a new user namespace of a program that asks for no capability %s', async (_what, program) => {
  const events = await run(['--unshare', '10000000', ...program], asNobody);
  expect(ofKind(events, 'capability')).toEqual([]);
  const event = only(ofKind(events, 'namespace'));
  expect(event).toMatchObject({ comm: 'privilege', changed: ['user'], toHost: [], syscallName: '', arguments: [] });
  expect(event.pid).toBe(only(ofKind(events, 'exit')).pid);
  expect(differing(event)).toEqual(['user']);
});

it('reports every kind of namespace', async () => {
  // A new pid namespace is for the children, a new time namespace from the next exec on.
  const events = await run(['--unshare', '6e020080', '/bin/sh', '-c', 'true; :'], {
    ...unconfined,
    capAdd: ['SYS_ADMIN'],
  });
  const changed = ofKind(events, 'namespace').flatMap((event) => event.changed);
  expect(changed.toSorted()).toEqual(['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'uts']);
  expect(only(ofKind(events, 'capability').filter((event) => event.syscallName === 'unshare'))).toMatchObject({
    capabilityName: 'CAP_SYS_ADMIN',
    granted: true,
    arguments: [
      'CLONE_NEWTIME',
      'CLONE_NEWNS',
      'CLONE_NEWCGROUP',
      'CLONE_NEWUTS',
      'CLONE_NEWIPC',
      'CLONE_NEWPID',
      'CLONE_NEWNET',
    ],
  });
});

it('follows a program into the host’s mount namespace', async () => {
  const capAdd = ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT'];
  const events = await run(['--setns', `/proc/${process.pid}/ns/mnt`, '/bin/sh', '-c', 'exit 0'], {
    ...unconfined,
    capAdd,
    pidMode: 'host',
  });
  expect(only(ofKind(events, 'namespace'))).toMatchObject({ changed: ['mount'], toHost: ['mount'], syscallName: '' });
  expect(ofKind(events, 'capability').map((event) => `${event.capabilityName} ${event.syscallName}`)).toEqual([
    'CAP_SYS_PTRACE openat',
    'CAP_SYS_ADMIN setns',
    'CAP_SYS_CHROOT setns',
  ]);
  const shell = ofKind(events, 'exec').at(-1);
  expect(shell).toMatchObject({ comm: 'sh', fromOutside: false });
});

it('reports a refused attempt as the capability it lacks', async () => {
  const events = await run(['--unshare', '00020000', '/bin/true'], asNobody);
  expect(ofKind(events, 'namespace')).toEqual([]);
  expect(only(ofKind(events, 'capability'))).toMatchObject({
    capabilityName: 'CAP_SYS_ADMIN',
    syscallName: 'unshare',
    arguments: ['CLONE_NEWNS'],
    granted: false,
  });
});

it('is silent about programs that stay where they are, and about what the runtime does', async () => {
  const events = await session.eventsOf({ command: ['/bin/sh', '-c', '(true; ls / | cat) & wait'] });
  expect(ofKind(events, 'fork').length).toBeGreaterThan(1);
  expect(ofKind(events, 'namespace')).toEqual([]);
});
