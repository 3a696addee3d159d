import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { NetworkEvent } from '../decode/network-event.ts';

/** Ports from here on are those that the kernel chooses by default: which one says nothing about the program. */
const firstEphemeralPort = 32_768;

/** The fact in an event about sockets that is worth keeping for baselines; undefined where there is none. */
export function networkFactOf(event: NetworkEvent): Observation['fact'] {
  switch (event.kind) {
    case 'connect': {
      const { transport, remoteAddress, remotePort, remoteNames } = event;
      return {
        $case: 'connected',
        value: { transport, remoteAddress, remotePort, remoteNames: remoteNames.toSorted() },
      };
    }
    case 'tcp':
      return tcpFactOf(event);
    case 'bind': {
      const { transport, localAddress, localPort } = event;
      // A TCP socket is worth keeping once it listens; a UDP socket has no other sign that it serves.
      if (transport !== 'udp' || localPort >= firstEphemeralPort) return undefined;
      return { $case: 'listened', value: { transport, localAddress, localPort } };
    }
    case 'fanout':
      return undefined;
    case 'unix-connect':
      return { $case: 'unixConnected', value: { path: event.path } };
    case 'dns': {
      const { queryName, queryType, responseCode, wellFormed } = event;
      return wellFormed ? { $case: 'resolved', value: { queryName, queryType, responseCode } } : undefined;
    }
  }
}

function tcpFactOf(event: Extract<NetworkEvent, { kind: 'tcp' }>): Observation['fact'] {
  const { state, localAddress, localPort, remoteAddress } = event;
  if (state === 'accepted') return { $case: 'accepted', value: { transport: 'tcp', localPort, remoteAddress } };
  if (state !== 'listening' || localPort === 0) return undefined;
  return { $case: 'listened', value: { transport: 'tcp', localAddress, localPort } };
}
