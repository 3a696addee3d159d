import {
  type DnsEvidence,
  NetworkEvidence,
  type UnixSocketEvidence,
} from '../../proto/generated/tallyman/v1/finding.ts';
import { runtimeOfSocket } from '../container/runtime-sockets.ts';
import type { DnsEvent, InetEvent, UnixConnectEvent } from '../decode/network-event.ts';
import { addressesOf } from '../dns/dns-event.ts';

/** An event about sockets in the shape of the uplink. */
export function networkEvidence(event: InetEvent): NetworkEvidence {
  return NetworkEvidence.fromPartial(factsOf(event));
}

function factsOf(event: InetEvent): Partial<NetworkEvidence> {
  switch (event.kind) {
    case 'connect': {
      const { transport, family, remoteAddress, remotePort, remoteNames } = event;
      const remote = { transport, family, remoteAddress, remotePort, remoteNames: [...remoteNames] };
      return { ...remote, state: 'attempted', count: 1n + BigInt(event.repeats) };
    }
    case 'tcp': {
      const { family, remoteAddress, remotePort, remoteNames, localAddress, localPort, state, failure } = event;
      const ends = { family, remoteAddress, remotePort, remoteNames: [...remoteNames], localAddress, localPort };
      return { transport: 'tcp', ...ends, state, failure, count: 1n + BigInt(event.repeats) };
    }
    case 'bind': {
      const { transport, family, localAddress, localPort } = event;
      return { transport, family, localAddress, localPort, state: 'bound', count: 1n + BigInt(event.repeats) };
    }
    case 'fanout': {
      const { transport, family, remoteAddress, remotePort, destinations } = event;
      const remote = { transport, family, remoteAddress, remotePort };
      return { ...remote, state: 'fanout', count: BigInt(destinations) };
    }
  }
}

export function dnsEvidence(event: DnsEvent): DnsEvidence {
  const { queryName, queryType, responseCode, resolverAddress, transport, repeats } = event;
  const question = { queryName, queryType, responseCode, resolverAddress, transport };
  return { ...question, addresses: addressesOf(event), count: 1n + BigInt(repeats) };
}

export function unixSocketEvidence(event: UnixConnectEvent): UnixSocketEvidence {
  const { path, pathSource, repeats } = event;
  return { path, pathSource, runtime: runtimeOfSocket(path), count: 1n + BigInt(repeats) };
}
