import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * True when traffic to or from this "host:port", "[v6]:port", host or "unix:path" cannot leave the machine. A name other than
 * "localhost" is not resolved: it may point elsewhere tomorrow.
 */
export function isLoopbackAddress(address: string): boolean {
  if (address.startsWith('unix:')) return true;
  const host = hostOf(address);
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function hostOf(address: string): string {
  if (address.startsWith('[')) return address.slice(1, address.indexOf(']'));
  const colon = address.indexOf(':');
  const onlyColon = colon !== -1 && colon === address.lastIndexOf(':');
  return onlyColon ? address.slice(0, colon) : address;
}
