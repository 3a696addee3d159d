import assert from 'node:assert/strict';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { DnsStreams } from '../../agent/dns/streams.ts';
import { dnsAnswer, dnsMessage } from '../support/dns-message.ts';
import { type Check, ofKind, only, untilListening } from './check.ts';

const query = dnsMessage({ question: 'db.example', flags: 0x0100 });
const answer = dnsMessage({ question: 'db.example', answers: [dnsAnswer('db.example', 1, [192, 0, 2, 7], 60)] });
const up = 'ip link set lo up';

const unixConnections = 'ln -s /scratch /tmp/link; network unix-serve /tmp/link/own.sock; network unix-serve @abstract';

function unixPaths(events: readonly KernelEvent[]): string[][] {
  return ofKind(events, 'unix-connect').map((event) => [event.path, event.pathSource]);
}

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
    script: `${up}; actor listen 4545 & ${untilListening(4545)}; actor connect 127.0.0.1 4545; actor connect ::1 4546; wait`,
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
        failure: 'refused',
        errorNumber: 111,
        pid: pidOf('4546', 'connect'),
      });
      const accepted = only(
        states.filter((event) => event.state === 'accepted'),
        states,
      );
      assert.partialDeepStrictEqual(accepted, {
        localPort: 4545,
        remoteAddress: '127.0.0.1',
        remotePort: established.localPort,
        pid: pidOf('4545', 'listen'),
      });
    },
  },
  {
    name: 'the port of a socket that listens without bind',
    hook: 'tcp-state',
    script: `${up}; network listen-unbound`,
    verify: (events, run) => {
      const listening = ofKind(events, 'tcp').filter((event) => event.state === 'listening');
      assert.deepEqual(
        listening.map((event) => event.localPort),
        [0, Number(run.output)],
      );
    },
  },
  {
    name: 'a port scan, summed up',
    hook: 'connect4',
    script: `${up}; network scan 127.0.0.1 1 1100`,
    verify: (events) => {
      assert.equal(ofKind(events, 'connect').length, 511);
      assert.deepEqual(
        ofKind(events, 'fanout').map((event) => [event.destinations, event.shape]),
        [
          [512, 'ports'],
          [1024, 'ports'],
        ],
      );
    },
  },
  {
    name: 'a connection to a unix socket, by the path that the kernel knows',
    hook: 'unix-connect',
    attachedTo: /^(fentry|kprobe)/,
    script: unixConnections,
    verify: (events) =>
      assert.deepEqual(unixPaths(events), [
        ['/scratch/own.sock', 'kernel'],
        ['@abstract', 'kernel'],
      ]),
  },
  {
    name: 'a connection to a unix socket, by the path that the program gave',
    hook: 'unix-connect',
    attachedTo: /^cgroup/,
    script: unixConnections,
    verify: (events) =>
      assert.deepEqual(unixPaths(events), [
        ['/tmp/link/own.sock', 'argument'],
        ['@abstract', 'argument'],
      ]),
  },
  {
    name: 'a DNS answer, with the process that asked',
    hook: 'dns-ingress',
    script: `${up}; network ask udp ${query.toString('hex')} ${answer.subarray(2).toString('hex')}`,
    verify: (events) => {
      const segment = only(ofKind(events, 'dns-segment'));
      assert.partialDeepStrictEqual(only(new DnsStreams().push(segment)), {
        comm: 'network',
        queryName: 'db.example',
        answers: [{ data: '192.0.2.7' }],
        wellFormed: true,
      });
    },
  },
  ...(['4', '6'] as const).flatMap((version): Check[] => {
    const address = version === '4' ? '127.0.0.1' : '::1';
    return [
      {
        name: `IPv${version} datagrams from sockets that are not connected`,
        hook: `sendmsg${version}`,
        script: `${up}; network send ${address} 5353; network storm 100 5354`,
        verify: (events) =>
          assert.partialDeepStrictEqual(only(ofKind(events, 'connect').filter((event) => event.remotePort === 5353)), {
            transport: 'udp',
            family: `ipv${version}`,
            remoteAddress: address,
            comm: 'network',
          }),
      },
      {
        name: `IPv${version} addresses that sockets are bound to`,
        hook: `bind${version}`,
        script: `${up}; network bind udp ${address} 5300`,
        verify: (events) =>
          assert.partialDeepStrictEqual(only(ofKind(events, 'bind')), {
            transport: 'udp',
            family: `ipv${version}`,
            localAddress: address,
            localPort: 5300,
            comm: 'network',
          }),
      },
    ];
  }),
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
