import type { DnsSegment } from '../dns/segment.ts';
import { type Address, decodeAddress, decodePort } from './address.ts';
import {
  dnsRecordBytes,
  readBindRecord,
  readConnectRecord,
  readDnsRecord,
  readFanoutRecord,
  readTcpStateRecord,
  readUnixConnectRecord,
  TcpOutcome,
  UnixConnectFlag,
  unixConnectRecordBytes,
} from './layout.generated.ts';
import type {
  BindEvent,
  ConnectEvent,
  ConnectFailure,
  FanoutEvent,
  TcpStateEvent,
  Transport,
  UnixConnectEvent,
} from './network-event.ts';
import { decodeTask } from './task.ts';
import { decodeCString, decodeStringList, decodeText } from './text.ts';

/** IANA protocol numbers. */
const transports = new Map<number, Transport>([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp'],
]);

function transportOf(protocol: number): Transport {
  return transports.get(protocol) ?? 'other';
}

/** @throws {RangeError} for families other than IPv4 and IPv6. */
function addressOf(family: number, bytes: Uint8Array): Address {
  const address = decodeAddress(family, bytes);
  if (address === undefined) throw new RangeError(`address family ${family}`);
  return address;
}

export function decodeConnect(view: DataView, at: number): ConnectEvent {
  const record = readConnectRecord(view, at);
  const remote = addressOf(record.family, record.remoteAddress);
  return {
    kind: 'connect',
    ...decodeTask(view, at),
    transport: transportOf(record.protocol),
    family: remote.family,
    remoteAddress: remote.text,
    remotePort: decodePort(record.remotePort),
    remoteNames: [],
    repeats: record.repeats,
  };
}

const tcpStates = new Map<number, TcpStateEvent['state']>([
  [TcpOutcome.TCP_OUTCOME_ESTABLISHED, 'established'],
  [TcpOutcome.TCP_OUTCOME_FAILED, 'failed'],
  [TcpOutcome.TCP_OUTCOME_LISTENING, 'listening'],
  [TcpOutcome.TCP_OUTCOME_ACCEPTED, 'accepted'],
]);

/** errno of Linux, the same on every architecture it is asked for here. */
const failures = new Map<number, ConnectFailure>([
  [0, 'abandoned'],
  [100, 'unreachable'],
  [101, 'unreachable'],
  [110, 'timed-out'],
  [111, 'refused'],
  [112, 'unreachable'],
  [113, 'unreachable'],
]);

export function decodeTcpState(view: DataView, at: number): TcpStateEvent {
  const record = readTcpStateRecord(view, at);
  const local = addressOf(record.family, record.localAddress);
  const remote = addressOf(record.family, record.remoteAddress);
  const state = tcpStates.get(record.outcome);
  if (state === undefined) throw new RangeError(`TCP outcome ${record.outcome}`);
  const hasRemote = state !== 'listening' && (state !== 'accepted' || record.remotePort !== 0);
  return {
    kind: 'tcp',
    ...decodeTask(view, at),
    state,
    // A socket for both families says IPv6 even when a peer came by IPv4.
    family: hasRemote ? remote.family : local.family,
    localAddress: local.text,
    localPort: record.localPort,
    remoteAddress: hasRemote ? remote.text : '',
    remotePort: hasRemote ? decodePort(record.remotePort) : 0,
    remoteNames: [],
    failure: state === 'failed' ? (failures.get(record.error) ?? 'other') : '',
    errorNumber: record.error,
    repeats: record.repeats,
  };
}

export function decodeBind(view: DataView, at: number): BindEvent {
  const record = readBindRecord(view, at);
  const local = addressOf(record.family, record.localAddress);
  return {
    kind: 'bind',
    ...decodeTask(view, at),
    transport: transportOf(record.protocol),
    family: local.family,
    localAddress: local.text,
    localPort: record.localPort,
    repeats: record.repeats,
  };
}

export function decodeFanout(view: DataView, at: number): FanoutEvent {
  const record = readFanoutRecord(view, at);
  const remote = addressOf(record.family, record.remoteAddress);
  return {
    kind: 'fanout',
    ...decodeTask(view, at),
    transport: transportOf(record.protocol),
    family: remote.family,
    remoteAddress: remote.text,
    remotePort: decodePort(record.remotePort),
    destinations: record.destinations,
    shape: record.addressChanges * 10 < record.destinations ? 'ports' : 'addresses',
  };
}

/** @throws {RangeError} when the payload is said to reach beyond the record. */
export function decodeDns(view: DataView, at: number, size: number): DnsSegment {
  const record = readDnsRecord(view, at);
  if (dnsRecordBytes + record.payloadSize > size) throw new RangeError(`a payload of ${record.payloadSize} bytes`);
  const payload = new Uint8Array(view.buffer, view.byteOffset + at + dnsRecordBytes, record.payloadSize);
  return {
    kind: 'dns-segment',
    ...decodeTask(view, at),
    transport: record.protocol === 6 ? 'tcp' : 'udp',
    resolverAddress: addressOf(record.family, record.resolverAddress).text,
    socketCookie: record.socketCookie,
    sequence: record.sequence,
    payload: payload.slice(),
    totalBytes: record.totalSize,
    repeats: record.repeats,
  };
}

/** @throws {RangeError} when the path is said to reach beyond the record. */
export function decodeUnixConnect(view: DataView, at: number, size: number): UnixConnectEvent {
  const record = readUnixConnectRecord(view, at);
  if (unixConnectRecordBytes + record.pathSize > size) throw new RangeError(`a path of ${record.pathSize} bytes`);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + unixConnectRecordBytes, record.pathSize);
  return {
    kind: 'unix-connect',
    ...decodeTask(view, at),
    path: unixPath(bytes, record.flags),
    pathSource: (record.flags & UnixConnectFlag.UNIX_CONNECT_RESOLVED) !== 0 ? 'kernel' : 'argument',
    repeats: record.repeats,
  };
}

function unixPath(bytes: Uint8Array, flags: number): string {
  // As ss(8) and netstat(8) write them.
  if ((flags & UnixConnectFlag.UNIX_CONNECT_ABSTRACT) !== 0) return `@${decodeText(bytes).replaceAll('\0', '@')}`;
  if ((flags & UnixConnectFlag.UNIX_CONNECT_RESOLVED) === 0) return decodeCString(bytes);
  const isTail = (flags & UnixConnectFlag.UNIX_CONNECT_TRUNCATED) !== 0;
  // The last component is the top of the mounts, which has no name.
  const components = decodeStringList(bytes).filter((component) => component !== '' && component !== '/');
  return `${isTail ? '…' : ''}/${components.toReversed().join('/')}`;
}
