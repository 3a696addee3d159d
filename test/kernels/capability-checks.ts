import assert from 'node:assert/strict';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { type Check, ofKind, only } from './check.ts';

/** "CAP_CHOWN chown granted" */
function facts(events: readonly KernelEvent[]): string[] {
  return ofKind(events, 'capability').map(
    (event) => `${event.capabilityName} ${event.syscallName} ${event.granted ? 'granted' : 'denied'}`,
  );
}

function asNobody(command: string): string {
  return `su -s /bin/sh nobody -c '${command}'`;
}

/**
 * Overlayfs looks into its layers as whoever mounted it: a program that may read its own file has used no capability, and
 * one that looks for a socket has not asked for CAP_SYS_ADMIN.
 */
const borrowedCredentials: Check = {
  name: 'nothing about checks with credentials that are not the program’s own',
  hook: 'capability',
  script: `cp /bin/actor /tmp/own; chown 65534 /tmp/own; chmod 700 /tmp/own; ${asNobody('/tmp/own true; cat /tmp/own >/dev/null')}`,
  verify: (events) => {
    assert.equal(ofKind(events, 'exec').at(-1)?.credentials.uid, 65534);
    const asUser = ofKind(events, 'exec').find((exec) => exec.credentials.uid === 65534)?.ktimeNs ?? 0n;
    const found = facts(events.filter((event) => event.ktimeNs > asUser));
    assert.deepEqual(
      found.filter((fact) => fact.endsWith('granted')),
      [],
    );
  },
};

/** A program of its own for each way, because repeats of one program are not reported. */
const ioUringWays = ['inline', 'worker', 'poller'];

const ioUring: Check = {
  name: 'what a program does as somebody else through io_uring',
  hook: 'capability',
  script: [
    'echo secret >/scratch/file; chown 33 /scratch/file; chmod 600 /scratch/file',
    ...ioUringWays.map((way) => `cp /bin/personality /scratch/${way}; /scratch/${way} ${way} /scratch/file || echo $?`),
  ].join('; '),
  verify: (events, run) => {
    assert.equal(run.output, '');
    const uses = ofKind(events, 'capability').filter(
      (event) => event.capabilityName === 'CAP_DAC_READ_SEARCH' && event.granted,
    );
    const pids = new Map(ofKind(events, 'exec').map((exec) => [exec.filename, exec.pid]));
    assert.deepEqual(
      ioUringWays.filter((way) => uses.some((use) => use.pid === pids.get(`/scratch/${way}`))),
      ioUringWays,
    );
  },
};

export const capabilityChecks: readonly Check[] = [
  {
    name: 'a granted capability, with the syscall that asked',
    hook: 'capability',
    script: 'chown 33 /tmp/file; chown 34 /tmp/file; ip link set lo up',
    verify: (events) => {
      const found = facts(events);
      assert.equal(
        only(
          found.filter((fact) => /^CAP_CHOWN f?chown(at)? granted$/.test(fact)),
          found,
        ).length > 0,
        true,
      );
      assert.equal(found.includes('CAP_NET_ADMIN ioctl granted'), true);
      assert.deepEqual(
        found.filter((fact) => fact.endsWith('denied')),
        [],
      );
    },
  },
  {
    name: 'nothing about what the runtime does to set the container up',
    hook: 'capability',
    script: ':',
    verify: (events) => assert.deepEqual(facts(events), []),
  },
  {
    name: 'a denied capability, once for three attempts',
    hook: 'capability',
    script: asNobody('for i in 1 2 3; do actor mount; done; :'),
    verify: (events, run) => {
      assert.equal(run.output.split('Operation not permitted').length - 1, 3);
      const denied = ofKind(events, 'capability').filter((event) => event.syscallName === 'mount');
      assert.partialDeepStrictEqual(only(denied), {
        comm: 'actor',
        capabilityName: 'CAP_SYS_ADMIN',
        granted: false,
        repeats: 0,
      });
      assert.equal(facts(events).includes('CAP_SETUID setuid granted'), true);
    },
  },
  {
    name: 'the same answer as the kernel inside and outside a user namespace',
    hook: 'capability',
    script: asNobody(
      'unshare -U -r -m actor mount && echo INSIDE-GRANTED; unshare -U -r actor mount || echo OUTSIDE-DENIED',
    ),
    verify: (events, run) => {
      assert.match(run.output, /INSIDE-GRANTED\s[\s\S]*OUTSIDE-DENIED\s/);
      assert.deepEqual(
        ofKind(events, 'capability')
          .filter((event) => event.syscallName === 'mount' && event.comm === 'actor')
          .map((event) => event.granted),
        [true, false],
      );
    },
  },
  {
    name: 'nothing about checks that the kernel makes on its own account',
    hook: 'capability',
    script: asNobody(
      'ls -l /etc /bin; cat /etc/passwd; cp /etc/passwd /tmp/copy; rm /tmp/copy; sleep 0.01; id; actor true',
    ),
    verify: (events) => {
      const nobody = ofKind(events, 'exec').findIndex((exec) => exec.credentials.uid !== 0);
      assert.notEqual(nobody, -1);
      const noisy = /^CAP_(SYS_ADMIN|SYS_RESOURCE|SYS_PTRACE|SETPCAP) /;
      assert.deepEqual(
        facts(events).filter((fact) => noisy.test(fact)),
        [],
      );
    },
  },
  borrowedCredentials,
  ioUring,
];
