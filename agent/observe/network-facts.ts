import { firstEphemeralPort } from '../../common/ephemeral-port.ts';
import type { NetworkEvent } from '../decode/network-event.ts';
import type { Fact } from './facts.ts';

/** The fact in an event about sockets that is worth keeping for baselines; undefined where there is none. */
export function networkFactOf(event: NetworkEvent, executablePath: string): Fact | undefined {
  switch (event.kind) {
    case 'connect': {
      const { transport, remoteAddress, remotePort, remoteNames } = event;
      return {
        $case: 'connected',
        value: { transport, remoteAddress, remotePort, remoteNames: remoteNames.toSorted(), executablePath },
      };
    }
    case 'tcp':
      return tcpFactOf(event, executablePath);
    case 'bind': {
      const { transport, localAddress, localPort } = event;
      // A TCP socket is worth keeping once it listens; a UDP socket has no other sign that it serves.
      if (transport !== 'udp' || localPort >= firstEphemeralPort) return undefined;
      return { $case: 'listened', value: { transport, localAddress, localPort, executablePath } };
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

function tcpFactOf(event: Extract<NetworkEvent, { kind: 'tcp' }>, executablePath: string): Fact | undefined {
  const { state, localAddress, localPort, remoteAddress } = event;
  if (state === 'accepted') return { $case: 'accepted', value: { transport: 'tcp', localPort, remoteAddress } };
  if (state !== 'listening') return undefined;
  return { $case: 'listened', value: { transport: 'tcp', localAddress, localPort, executablePath } };
}
