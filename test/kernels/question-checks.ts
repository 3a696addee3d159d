import assert from 'node:assert/strict';
import { type Check, ofKind, only } from './check.ts';

const cloneNewUser = '10000000';

/** What has no hook of its own is looked at by those of capability, fork and exit. */
export const questionChecks: readonly Check[] = [
  {
    name: 'what a capability was asked for: arguments, target, user namespace',
    hook: 'capability',
    script: 'privilege packet iopl finit_module mknod setgid-35 setuid-33; privilege --as 65534 mount packet setuid-0',
    verify: (events) => {
      const facts = ofKind(events, 'capability').map((event) => {
        const target = [event.targetUid, event.targetGid].filter((id) => id !== undefined);
        return [event.capabilityName, event.syscallName, ...event.arguments, ...target, event.granted].join(' ');
      });
      for (const fact of [
        'CAP_NET_RAW socket AF_PACKET SOCK_RAW true',
        'CAP_SYS_RAWIO iopl true',
        'CAP_SYS_MODULE finit_module true',
        'CAP_MKNOD mknodat S_IFBLK true',
        'CAP_SETGID setgid 35 true',
        'CAP_SETUID setuid 33 true',
        'CAP_SYS_ADMIN mount MS_NOSUID false',
        'CAP_NET_RAW socket AF_PACKET SOCK_RAW false',
        'CAP_SETUID setuid 0 false',
      ])
        assert.ok(facts.includes(fact), `${fact} is not among ${facts.join('; ')}`);
      assert.ok(ofKind(events, 'capability').every((event) => event.userNamespace === 'own'));
    },
  },
  {
    name: 'the number of a 32-bit system call',
    hook: 'capability',
    script: 'privilege --as 65534 mount32',
    verify: (events, run) => {
      // A kernel without 32-bit emulation kills the program.
      if (!run.output.includes('EPERM')) return;
      const call = only(ofKind(events, 'capability').filter((event) => event.syscallAbi === '32-bit'));
      assert.partialDeepStrictEqual(call, { syscallName: 'mount', capabilityName: 'CAP_SYS_ADMIN', granted: false });
    },
  },
  {
    name: 'a user namespace of clone, and one of unshare that asks for nothing',
    hook: 'fork',
    script: `privilege --clone ${cloneNewUser} /bin/true; privilege --unshare ${cloneNewUser}`,
    verify: (events) => {
      const [cloned, unshared] = ofKind(events, 'namespace');
      assert.partialDeepStrictEqual(cloned, {
        ...{ changed: ['user'], toHost: [], syscallName: 'clone', arguments: ['CLONE_NEWUSER'] },
      });
      assert.partialDeepStrictEqual(unshared, { changed: ['user'], toHost: [], syscallName: '' });
    },
  },
  {
    name: 'every kind of namespace',
    hook: 'exit',
    script: 'privilege --unshare 6e020000 /bin/true',
    verify: (events) => {
      const changed = ofKind(events, 'namespace').flatMap((event) => event.changed);
      assert.deepEqual(changed.toSorted(), ['cgroup', 'ipc', 'mount', 'network', 'pid', 'uts']);
    },
  },
  {
    name: 'nothing about namespaces of programs that stay where they are',
    hook: 'exit',
    script: '(true; ls / | cat) & wait',
    verify: (events) => assert.deepEqual(ofKind(events, 'namespace'), []),
  },
  {
    name: 'a ring of io_uring',
    hook: 'io-uring',
    script: 'pack io_uring',
    verify: (events, run) => {
      assert.match(run.output, /io_uring ok/);
      assert.partialDeepStrictEqual(only(ofKind(events, 'syscall')), { syscallName: 'io_uring_setup', errno: 0 });
    },
  },
];

export const syscallPackChecks: readonly Check[] = [
  {
    name: 'the system calls of the pack, with their outcome',
    hook: 'syscall-pack',
    script: 'ip link set lo up; pack traceme seize writev memfd dup2 dup fcntl dup2-file io_uring userfaultfd',
    verify: (events, run) => {
      const calls = ofKind(events, 'syscall').map(({ syscallName, arguments: args, errno }) =>
        [syscallName, ...args, ...(errno === 0 ? [] : [errno])].join(' '),
      );
      const expected = [
        'ptrace PTRACE_TRACEME',
        'ptrace PTRACE_SEIZE',
        'process_vm_writev',
        'memfd_create',
        'dup2',
        'dup',
      ];
      assert.deepEqual(calls.slice(0, 8), [...expected, 'fcntl F_DUPFD', 'io_uring_setup'], run.output);
      const moved = ofKind(events, 'syscall').filter((call) => call.stdioFd === 0);
      assert.deepEqual(
        moved.map((call) => `${call.peerAddress}:${call.peerPort}`),
        Array(3).fill('127.0.0.1:4444'),
      );
    },
  },
];
