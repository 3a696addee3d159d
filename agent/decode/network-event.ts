import type { TaskEventBase } from './kernel-event.ts';

/** What a record says of a socket. */
export type SocketEvent = InetEvent | UnixConnectEvent;

/** What a record says of an IPv4 or IPv6 socket. */
export type InetEvent = ConnectEvent | TcpStateEvent | BindEvent | FanoutEvent;

export type NetworkEvent = SocketEvent | DnsEvent;

export type Transport = 'tcp' | 'udp' | 'icmp' | 'other';
export type AddressFamily = 'ipv4' | 'ipv6';

interface RemoteEnd {
  family: AddressFamily;
  /** Canonical text; v4-mapped IPv6 addresses are given as IPv4. */
  remoteAddress: string;
  remotePort: number;
}

interface Counted {
  /** Further occurrences of the same fact since its last record, which were counted in the kernel. */
  repeats: number;
}

interface Named {
  /** Names for which the container was given the remote address by DNS, newest first. A hint: answers can be forged. */
  remoteNames: readonly string[];
}

/** A connect(2), or a datagram sent to an address. */
export interface ConnectEvent extends TaskEventBase, RemoteEnd, Counted, Named {
  kind: 'connect';
  transport: Transport;
}

/**
 * Why an attempt failed: `abandoned` when the program closed the socket or was interrupted before there was an answer.
 * Empty for what is no failure.
 */
export type ConnectFailure = '' | 'refused' | 'timed-out' | 'unreachable' | 'abandoned' | 'other';

/**
 * `accepted`: a connection from outside to a listening socket of the process; the remote address is empty where the
 * listener has had more peers than are told apart.
 */
export interface TcpStateEvent extends TaskEventBase, RemoteEnd, Counted, Named {
  kind: 'tcp';
  state: 'established' | 'failed' | 'listening' | 'accepted';
  localAddress: string;
  /** 0 for a listening socket without bind: its first connection tells the port. */
  localPort: number;
  failure: ConnectFailure;
  /** errno that a failed socket was left with; 0 for none. */
  errorNumber: number;
}

/** A socket was bound to a local address. */
export interface BindEvent extends TaskEventBase, Counted {
  kind: 'bind';
  transport: Transport;
  family: AddressFamily;
  localAddress: string;
  localPort: number;
}

/**
 * A program turned to so many new destinations within a minute that they are not reported one by one any more: a scan, a
 * crawler, a proxy. Told again each time the number has doubled.
 */
export interface FanoutEvent extends TaskEventBase, RemoteEnd {
  kind: 'fanout';
  transport: Transport;
  /** Destinations (address and port) in this window so far. */
  destinations: number;
  /** `ports` when nearly all were on one address after the other's ports, `addresses` otherwise. */
  shape: 'ports' | 'addresses';
}

export interface DnsAnswer {
  name: string;
  /** "A", "CNAME"; "TYPE65" where there is no name for the number. */
  type: string;
  /** Address, name or text; empty for types that are not decoded. */
  data: string;
  ttlSeconds: number;
}

/** An answer that a name server gave to a process. Its packet can be forged by anybody who can send to the socket. */
export interface DnsEvent extends TaskEventBase {
  kind: 'dns';
  transport: 'tcp' | 'udp';
  resolverAddress: string;
  /** Lower case, without the final dot; bytes outside of printable ASCII as \DDD. */
  queryName: string;
  queryType: string;
  /** "NOERROR", "NXDOMAIN" … */
  responseCode: string;
  answers: readonly DnsAnswer[];
  /** There were more bytes or answers than are kept, or the server cut the answer itself. */
  truncated: boolean;
  /** False when what came from the name server's port is no DNS answer. */
  wellFormed: boolean;
  /** Different names below the same domain that the container asked for within a minute so far, at most 64; 0: none. */
  subdomains: number;
  /** The same answer that the same process was given again, counted in the kernel. */
  repeats: number;
}

/** A connect(2) of a stream to a unix socket. */
export interface UnixConnectEvent extends TaskEventBase, Counted {
  kind: 'unix-connect';
  /** With `@` in front for abstract sockets, which are in no file system. */
  path: string;
  /**
   * `kernel`: where the listening socket was bound, in the mount namespace of who bound it; nothing in the container
   * can change that. `argument`: what the program asked for.
   */
  pathSource: 'kernel' | 'argument';
}
