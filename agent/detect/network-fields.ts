import { bool, type FieldInfo, int, text, texts } from './field-info.ts';

const remoteFields = {
  family: text('`ipv4` or `ipv6`.'),
  remoteAddress: text('Peer address in canonical text; v4-mapped IPv6 addresses are given as IPv4.'),
  remotePort: int('Peer port.'),
  remoteScope: text('`loopback`, `link-local`, `private`, `public`, `multicast` or `reserved`.'),
};
const remoteNames = texts(
  'Names for which DNS gave the container this address, newest first, as far as they were seen. A hint and no proof: whoever can send packets to the container can forge an answer.',
);
const transport = text('`tcp`, `udp`, `icmp` or `other`.');

/** Fields of the events about sockets. */
export const networkFields = {
  ConnectEvent: {
    kind: text('`connect`: a connection attempt, or a datagram sent to an address.'),
    transport,
    ...remoteFields,
    remoteNames,
  },
  TcpEvent: {
    kind: text('`tcp`: what became of an attempt, a listening socket, a connection from outside.'),
    state: text(
      '`established`, `failed`, `listening` or `accepted` (a connection from outside to a listening socket).',
    ),
    localAddress: text('Local address.'),
    localPort: int('Local port; 0 for a listening socket whose port the kernel is yet to choose.'),
    ...remoteFields,
    remoteAddress: text(
      'Peer address; empty for listening sockets, and for accepted connections beyond the first 64 peers of a socket.',
    ),
    remotePort: int('Peer port; 0 where there is no peer address.'),
    remoteScope: text('As for `connect`; empty where there is no peer address.'),
    remoteNames,
    failure: text(
      'Of a failed attempt: `refused`, `timed-out`, `unreachable`, `abandoned` (the program gave up) or `other`; empty otherwise.',
    ),
    errorNumber: int('errno of a failed attempt; 0 where there was none.'),
  },
  BindEvent: {
    kind: text('`bind`: a socket was given a local address.'),
    transport,
    family: text('`ipv4` or `ipv6`.'),
    localAddress: text('Local address.'),
    localPort: int('Local port. Ports from 32768 on are reported once per program and address.'),
  },
  FanoutEvent: {
    kind: text('`fanout`: a program turned to more new destinations in a minute than are reported one by one (512).'),
    transport,
    ...remoteFields,
    remoteAddress: text('The last destination.'),
    remotePort: int('Port of the last destination.'),
    destinations: int('Destinations (address and port) within the minute so far: 512, 1024, 2048 …'),
    shape: text('`ports` (many ports of few addresses) or `addresses`.'),
  },
  DnsEvent: {
    kind: text(
      '`dns`: an answer from a name server (port 53). What it says is the word of whoever sent the packet. Names that a program asks for by HTTPS or TLS are not seen.',
    ),
    transport: text('`udp` or `tcp`.'),
    resolverAddress: text('Where the answer came from.'),
    queryName: text(
      'The name that was asked for: lower case, without the final dot; bytes that are not printable ASCII as \\\\DDD.',
    ),
    queryType: text('`A`, `AAAA`, `TXT` … `TYPE65280` for types without a name.'),
    responseCode: text('`NOERROR`, `NXDOMAIN`, `SERVFAIL` …'),
    addresses: texts('The addresses in the answer.'),
    answerTypes: texts('The types of the records in the answer, each once.'),
    subdomains: int(
      'Different names below the same domain that the container asked for within a minute so far, this one counted; at most 64.',
    ),
    truncated: bool('There was more in the answer than is kept, or the server cut it.'),
    wellFormed: bool('False when what came from port 53 is no DNS answer.'),
  },
  UnixConnectEvent: {
    kind: text('`unix-connect`: a stream was connected to a unix socket.'),
    path: text('Path of the socket; with `@` in front for abstract sockets.'),
    pathSource: text(
      '`kernel`: where the listening socket was bound, which nothing in the container can change; `argument`: what the program asked for.',
    ),
    runtime: text(
      'The container runtime whose socket it is, by the path: `docker`, `containerd`, `cri-o`, `podman` or `buildkit`; empty for other sockets.',
    ),
  },
} satisfies Record<string, Record<string, FieldInfo>>;
