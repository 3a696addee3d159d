import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { type Check, ofKind, only, untilListening } from './check.ts';

/** Every capability this kernel knows: what a root process without restrictions has. */
function fullCapabilities(): bigint {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return BigInt(`0x${line?.[1] ?? ''}`);
}

function namespaceOf(name: string): number {
  return statSync(`/proc/self/ns/${name}`).ino;
}

export const processChecks: readonly Check[] = [
  {
    name: 'exec carries path, arguments, identity, credentials and namespaces',
    hook: 'exec',
    script: "cd /tmp; /bin/actor true 'ä b' ''; :",
    verify: (events) => {
      const execs = ofKind(events, 'exec');
      const shell = only(
        execs.filter((exec) => exec.filename === '/bin/sh'),
        execs,
      );
      const exec = only(
        execs.filter((each) => each.filename === '/bin/actor'),
        execs,
      );
      const root = { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 };
      const all = fullCapabilities();
      assert.partialDeepStrictEqual(exec, {
        comm: 'actor',
        argv: ['/bin/actor', 'true', 'ä b', ''],
        argvTruncated: false,
        cwd: '/tmp',
        containerPid: 2,
        parentPid: shell.pid,
        parentStartKtimeNs: shell.startKtimeNs,
        credentials: root,
        capabilities: { effective: all, permitted: all, inheritable: 0n, bounding: all, ambient: 0n },
        hasTty: false,
        stdioSockets: [],
        secureExec: false,
        fromOutside: false,
      });
      assert.partialDeepStrictEqual(exec.executable, {
        path: '/bin/actor',
        pathTruncated: false,
        layer: 'image',
        unlinked: false,
        setuid: false,
      });
      assert.partialDeepStrictEqual(shell, { fromOutside: true, containerPid: 1, cwd: '/' });
      assert.equal(execs.length, 2);
      assert.equal(exec.namespaces.user, namespaceOf('user'));
      assert.notEqual(exec.namespaces.mount, namespaceOf('mnt'));
      assert.notEqual(exec.namespaces.network, namespaceOf('net'));
      assert.notEqual(exec.namespaces.pid, namespaceOf('pid'));
    },
  },
  {
    name: 'exec tells image, writable layer, tmpfs and memfd apart',
    hook: 'exec',
    script: [
      'mkdir -p /opt/a; cp /bin/actor /opt/a/x; cd /opt/a; ./x true',
      'cp /bin/actor /scratch/y; /scratch/y true; /bin/actor memfd-exec /bin/actor true; :',
    ].join('; '),
    verify: (events) => {
      const execs = ofKind(events, 'exec').map(({ executable, filename, cwd, argv }) => [
        executable.path,
        executable.layer,
        executable.unlinked,
        filename.replace(/\d+$/, 'N'),
        cwd,
        argv.at(-1),
      ]);
      assert.deepEqual(execs.slice(-4), [
        ['/opt/a/x', 'writable', false, './x', '/opt/a', 'true'],
        ['/scratch/y', 'tmpfs', false, '/scratch/y', '/opt/a', 'true'],
        ['/bin/actor', 'image', false, '/bin/actor', '/opt/a', 'true'],
        ['memfd:payload', 'memfd', true, '/dev/fd/N', '/opt/a', 'true'],
      ]);
    },
  },
  {
    name: 'exec sees a setuid program gain privileges',
    hook: 'exec',
    script: 'cp /bin/actor /opt/s; chmod 4755 /opt/s; su -s /bin/sh nobody -c "/opt/s true"; :',
    verify: (events) => {
      const execs = ofKind(events, 'exec');
      assert.partialDeepStrictEqual(
        only(
          execs.filter((exec) => exec.filename === '/opt/s'),
          execs,
        ),
        { secureExec: true, executable: { setuid: true }, credentials: { uid: 65534, euid: 0, suid: 0 } },
      );
    },
  },
  {
    name: 'exec sees a socket as standard input and output, with its peer',
    hook: 'exec',
    script: `ip link set lo up; actor listen 4444 & ${untilListening(4444)}; actor reverse 127.0.0.1 4444 /bin/true; wait`,
    verify: (events) => {
      const execs = ofKind(events, 'exec');
      assert.deepEqual(
        only(
          execs.filter((exec) => exec.filename === '/bin/true'),
          execs,
        ).stdioSockets,
        [0, 1, 2].map((fd) => ({ fd, family: 'ipv4', peerAddress: '127.0.0.1', peerPort: 4444, peerPid: 0 })),
      );
    },
  },
  {
    name: 'exec tells a script from its interpreter',
    hook: 'exec',
    script: `printf '#!/bin/sh -e\\n:\\n' >/opt/run; chmod +x /opt/run; /opt/run one; :`,
    verify: (events) => {
      assert.partialDeepStrictEqual(ofKind(events, 'exec').at(-1), {
        filename: '/opt/run',
        interpreter: '/bin/sh',
        executable: { path: '/bin/busybox' },
        argv: ['/bin/sh', '-e', '/opt/run', 'one'],
      });
    },
  },
  {
    name: 'exec knows the thread that executes, the session, and when the file was changed',
    hook: 'exec',
    script: 'cp /bin/actor /opt/new; executor session /bin/executor threads 3 /opt/new true; :',
    verify: (events) => {
      const [shell, ...execs] = ofKind(events, 'exec');
      const exec = only(
        execs.filter((each) => each.filename === '/opt/new'),
        execs,
      );
      const before = execs.findLast((each) => each.pid === exec.pid && each.filename === '/bin/executor');
      assert.equal(exec.tid, exec.pid);
      assert.notEqual(exec.formerTid, exec.pid);
      assert.equal(exec.startKtimeNs, before?.startKtimeNs);
      assert.equal(exec.sessionId, exec.pid);
      assert.notEqual(shell?.sessionId, exec.sessionId);
      const nowNs = BigInt(Date.now()) * 1_000_000n;
      const { mtimeNs, ctimeNs } = exec.executable;
      for (const time of [mtimeNs, ctimeNs]) assert.equal(time > nowNs - 600_000_000_000n && time <= nowNs, true);
    },
  },
  {
    name: 'exec names the other end of a unix socket',
    hook: 'exec',
    script: 'executor unix /scratch/x.sock /bin/true; executor unix @smoke /bin/true; executor pair /bin/true; :',
    verify: (events) => {
      const execs = ofKind(events, 'exec').filter((each) => each.filename === '/bin/true');
      assert.deepEqual(
        execs.map((exec) => exec.stdioSockets[0]?.peerAddress),
        ['/scratch/x.sock', '@smoke', ''],
      );
      for (const exec of execs) assert.equal(exec.stdioSockets[2]?.peerPid, exec.pid);
    },
  },
  {
    name: 'exec cuts long arguments and says so',
    hook: 'exec',
    script: `x=xxxxxxxxxxxxxxxx; for i in 1 2 3 4 5 6 7 8 9; do x=$x$x; done; /bin/actor true "$x"; :`,
    verify: (events) => {
      const exec = only(ofKind(events, 'exec').filter((each) => each.filename === '/bin/actor'));
      assert.equal(exec.argvTruncated, true);
      assert.equal(exec.argv[2], 'x'.repeat(exec.argv[2]?.length ?? 0));
      assert.equal((exec.argv[2]?.length ?? 0) > 2000, true);
    },
  },
  {
    name: 'fork names parent and child',
    hook: 'fork',
    script: '(exit 7); exit 3',
    verify: (events) => {
      const fork = only(ofKind(events, 'fork'));
      const shell = ofKind(events, 'exec').at(-1);
      assert.equal(fork.pid, shell?.pid);
      assert.equal(fork.startKtimeNs, shell?.startKtimeNs);
      assert.equal(fork.childContainerPid, 2);
      const ended = ofKind(events, 'exit').filter((exit) => exit.startKtimeNs === fork.childStartKtimeNs);
      assert.equal(only(ended).pid, fork.childPid);
    },
  },
  {
    name: 'exit says that memory was dumped',
    hook: 'exit',
    script: 'cd /tmp; breeder dump; :',
    verify: (events) => {
      assert.deepEqual(
        ofKind(events, 'exit').map(({ exitSignal, coreDumped }) => [exitSignal, coreDumped]),
        [
          [6, true],
          [0, false],
        ],
      );
    },
  },
  {
    name: 'exit carries code and signal',
    hook: 'exit',
    script: "(exit 7); sh -c 'kill -9 $$'; exit 3",
    verify: (events, run) => {
      assert.equal(run.exitCode, 3);
      assert.deepEqual(
        ofKind(events, 'exit').map(({ exitCode, exitSignal }) => [exitCode, exitSignal]),
        [
          [7, 0],
          [0, 9],
          [3, 0],
        ],
      );
    },
  },
];
