import assert from 'node:assert/strict';
import { type Check, ofKind, only } from './check.ts';

const nobody = { uid: 65534, gid: 65534, euid: 65534, egid: 65534, suid: 65534, sgid: 65534 };
const netRaw = 1n << 13n;

/** An execution that may have begun before the hook was there is unknown: some seconds after, all are known. */
const settle = 'sleep 5';

export const privilegeChecks: readonly Check[] = [
  {
    name: 'exec tells a setuid program’s privileges before and after',
    hook: 'privileges',
    script: `/bin/true; ${settle}; cp /bin/actor /opt/s; chmod 4755 /opt/s; su -s /bin/sh nobody -c "/opt/s true"; :`,
    verify: (events) => {
      const execs = ofKind(events, 'exec');
      const exec = only(
        execs.filter((each) => each.filename === '/opt/s'),
        execs,
      );
      assert.partialDeepStrictEqual(exec, {
        credentials: { ...nobody, euid: 0, suid: 0 },
        before: { credentials: nobody, capabilities: { effective: 0n, permitted: 0n } },
      });
      assert.notEqual(exec.capabilities.permitted, 0n);
    },
  },
  {
    name: 'exec tells file capabilities that took effect, and a program that changes nothing',
    hook: 'privileges',
    script: [
      `cp /bin/actor /opt/s; executor capabilities /opt/s ${netRaw.toString(16)}`,
      'su -s /bin/sh nobody -c "/opt/s true; /bin/actor true"; :',
    ].join('; '),
    verify: (events) => {
      const execs = ofKind(events, 'exec');
      const capable = only(
        execs.filter((each) => each.filename === '/opt/s'),
        execs,
      );
      assert.partialDeepStrictEqual(capable, {
        secureExec: true,
        credentials: nobody,
        before: { credentials: nobody, capabilities: { permitted: 0n } },
      });
      assert.equal(capable.capabilities.permitted, netRaw);
      const plain = execs.at(-1);
      assert.equal(plain?.filename, '/bin/actor');
      assert.deepEqual(plain.before, { credentials: nobody, capabilities: plain.capabilities });
    },
  },
];
