import assert from 'node:assert/strict';
import { type Check, ofKind, only } from './check.ts';

const up = 'ip link set lo up';

export const networkChecks: readonly Check[] = [
  {
    name: 'IPv4 connection attempts over TCP and UDP',
    hook: 'connect4',
    script: `${up}; actor connect 127.0.0.1 81; actor connect-udp 127.0.0.1 53; :`,
    verify: (events) => {
      assert.deepEqual(
        ofKind(events, 'connect').map((event) => [
          event.comm,
          event.transport,
          event.family,
          event.remoteAddress,
          event.remotePort,
        ]),
        [
          ['actor', 'tcp', 'ipv4', '127.0.0.1', 81],
          ['actor', 'udp', 'ipv4', '127.0.0.1', 53],
        ],
      );
    },
  },
  {
    name: 'IPv6 connection attempts, mapped addresses as IPv4',
    hook: 'connect6',
    script: `${up}; actor connect ::1 82; actor connect ::ffff:127.0.0.1 83; :`,
    verify: (events) => {
      assert.deepEqual(
        ofKind(events, 'connect').map((event) => [
          event.transport,
          event.family,
          event.remoteAddress,
          event.remotePort,
        ]),
        [
          ['tcp', 'ipv6', '::1', 82],
          ['tcp', 'ipv4', '127.0.0.1', 83],
        ],
      );
    },
  },
  {
    name: 'listening, established and failed, with the process that opened the socket',
    hook: 'tcp-state',
    script: `${up}; actor listen 4545 & sleep 0.5; actor connect 127.0.0.1 4545; actor connect ::1 4546; wait`,
    verify: (events) => {
      const execs = ofKind(events, 'exec');
      const pidOf = (port: string, action: string): number | undefined =>
        execs.find((exec) => exec.argv[1] === action && exec.argv.at(-1) === port)?.pid;
      const states = ofKind(events, 'tcp');
      const listening = only(
        states.filter((event) => event.state === 'listening'),
        states,
      );
      const established = only(
        states.filter((event) => event.state === 'established'),
        states,
      );
      const failed = only(
        states.filter((event) => event.state === 'failed'),
        states,
      );
      assert.partialDeepStrictEqual(listening, { localPort: 4545, remotePort: 0, pid: pidOf('4545', 'listen') });
      assert.partialDeepStrictEqual(established, {
        family: 'ipv4',
        remoteAddress: '127.0.0.1',
        remotePort: 4545,
        localAddress: '127.0.0.1',
        pid: pidOf('4545', 'connect'),
      });
      assert.partialDeepStrictEqual(failed, {
        family: 'ipv6',
        remoteAddress: '::1',
        remotePort: 4546,
        pid: pidOf('4546', 'connect'),
      });
    },
  },
];

export const cgroupChecks: readonly Check[] = [
  {
    name: 'a cgroup’s birth',
    hook: 'cgroup-mkdir',
    script: ':',
    verify: (events, run) => {
      assert.equal(events[0]?.kind, 'cgroup-mkdir');
      assert.equal(only(ofKind(events, 'cgroup-mkdir')).path, run.cgroupPath);
    },
  },
  {
    name: 'a cgroup’s death',
    hook: 'cgroup-rmdir',
    script: ':',
    verify: (events, run) => {
      assert.equal(events.at(-1)?.kind, 'cgroup-rmdir');
      assert.equal(only(ofKind(events, 'cgroup-rmdir')).path, run.cgroupPath);
    },
  },
];
