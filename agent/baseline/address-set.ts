import { BlockList } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Bits of ::ffff:0:0/96, below which IPv6 carries IPv4 addresses. */
const mappedBits = 96;

/** Addresses and networks. IPv4 addresses mapped into IPv6 are IPv4 addresses, as events give them. */
export class AddressSet {
  readonly #addresses = new Set<string>();
  #networks: BlockList | undefined;

  /** Takes an address, or a network such as "10.0.0.0/8". False when the text is neither. */
  add(text: string): boolean {
    if (!text.includes('/')) {
      const address = canonicalAddress(text);
      if (address !== undefined) this.#addresses.add(address);
      return address !== undefined;
    }
    const network = networkOf(text);
    if (network === undefined) return false;
    this.#networks ??= new BlockList();
    this.#networks.addSubnet(network.address, network.prefixLength, network.family);
    return true;
  }

  /** `address` is in canonical text. */
  has(address: string): boolean {
    if (this.#addresses.has(address)) return true;
    return this.#networks?.check(address, address.includes(':') ? 'ipv6' : 'ipv4') === true;
  }
}

/** Undefined when the text is no address. Zones ("%eth0") are no part of an address. */
function canonicalAddress(text: string): string | undefined {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text));
  return isAddress && !text.includes('%') ? ipaddr.process(text).toString() : undefined;
}

function networkOf(text: string): { address: string; prefixLength: number; family: 'ipv4' | 'ipv6' } | undefined {
  const slash = text.indexOf('/');
  const address = canonicalAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^\d{1,3}$/.test(bits)) return undefined;
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const isMapped = family === 'ipv4' && text.includes(':');
  const prefixLength = Number(bits) - (isMapped ? mappedBits : 0);
  if (prefixLength < 0 || prefixLength > (family === 'ipv4' ? 32 : 128)) return undefined;
  return { address, prefixLength, family };
}
