import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { RegistryError } from './errors.ts';

export interface HostPolicyOptions {
  /** "host" or "host:port" that may be spoken to in plain HTTP and at private addresses. */
  insecureRegistries: readonly string[];
  /** "host" or "host:port" that may be at private addresses; TLS stays required. */
  allowedHosts: readonly string[];
  /** Name resolution; the system's when undefined. */
  resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

type AddressKind = 'public' | 'private' | 'loopback' | 'forbidden';

/** Cloud metadata and platform services outside the link-local range. */
const metadataAddresses = new Set(['fd00:ec2::254', '100.100.100.200', '168.63.129.16', '192.0.0.192']);
const kinds: Readonly<Record<string, AddressKind>> = {
  unicast: 'public',
  loopback: 'loopback',
  private: 'private',
  uniqueLocal: 'private',
  carrierGradeNat: 'private',
};

function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address)) return 'forbidden';
  const parsed = ipaddr.process(address);
  if (metadataAddresses.has(parsed.toString())) return 'forbidden';
  const translated = parsed.kind() === 'ipv6' ? ipv4BehindNat64(parsed as ipaddr.IPv6) : undefined;
  if (translated !== undefined) return addressKind(translated);
  return kinds[parsed.range()] ?? 'forbidden';
}

/** What 64:ff9b::/96 stands for (RFC 6052): where there is IPv6 only, every registry with IPv4 is reached by it. */
function ipv4BehindNat64(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray();
  const isWellKnown = address.match(ipaddr.IPv6.parseCIDR('64:ff9b::/96'));
  return isWellKnown ? bytes.slice(12).join('.') : undefined;
}

/**
 * Where the collector may connect. Registry hosts come from what containers are called, so anybody who starts a container
 * chooses them: link-local and metadata addresses are never dialled, private ones only for hosts the operator listed.
 * Addresses are checked at the moment of connecting, so a name that changes its address gains nothing.
 */
export class HostPolicy {
  readonly #insecure: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string>;
  readonly #resolve: (hostname: string) => Promise<readonly LookupAddress[]>;

  constructor(options: HostPolicyOptions) {
    this.#insecure = new Set(options.insecureRegistries.map((host) => host.toLowerCase()));
    this.#allowed = new Set([...this.#insecure, ...options.allowedHosts.map((host) => host.toLowerCase())]);
    this.#resolve = options.resolve ?? resolveWithSystem;
  }

  /** "http" for loopback and insecure registries, else "https". */
  schemeOf(host: string): 'http' | 'https' {
    const url = new URL(`http://${host}`);
    return this.allowsPlainHttp(url) ? 'http' : 'https';
  }

  allowsPlainHttp(url: URL): boolean {
    return isLoopbackName(url.hostname) || listed(this.#insecure, url);
  }

  /** Throws REGISTRY_HOST_REFUSED for a scheme or literal address that may not be dialled. */
  assertAllowed(url: URL): void {
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.allowsPlainHttp(url)))
      throw new RegistryError('REGISTRY_HOST_REFUSED', `${url.protocol}//${url.host} is not HTTPS`, {
        hint: `if ${url.host} is meant to speak plain HTTP, list it as an insecure registry`,
      });
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0) this.#assertAddress(url, literal);
  }

  /** A `lookup` for net.connect that fails when any address of the name may not be dialled. */
  lookupFor(url: URL): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname)
        .then((addresses) => {
          for (const { address } of addresses) this.#assertAddress(url, address);
          const first = addresses[0];
          if (first === undefined) throw new RegistryError('REGISTRY_UNREACHABLE', `${hostname} has no address`);
          if (options.all) callback(null, [...addresses]);
          else callback(null, first.address, first.family);
        })
        .catch((error: unknown) => callback(error as NodeJS.ErrnoException, '', 0));
    };
  }

  #assertAddress(url: URL, address: string): void {
    const kind = addressKind(address);
    if (kind === 'public') return;
    if (kind === 'loopback' && (isLoopbackName(url.hostname) || listed(this.#allowed, url))) return;
    if (kind === 'private' && listed(this.#allowed, url)) return;
    const shown = url.hostname === address ? address : `${url.host} (${address})`;
    throw new RegistryError(
      'REGISTRY_HOST_REFUSED',
      `${shown} is ${kind === 'forbidden' ? 'a link-local, metadata or special' : `a ${kind}`} address; registries are not looked for there`,
      kind === 'forbidden' ? {} : { hint: `if it is your registry, add ${url.host} to the allowed registry hosts` },
    );
  }
}

export function isLoopbackName(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost') return true;
  return isIP(bare) !== 0 && ipaddr.process(bare).range() === 'loopback';
}

/** An entry without port means the host at any port. */
function listed(hosts: ReadonlySet<string>, url: URL): boolean {
  return hosts.has(url.host) || hosts.has(url.hostname) || hosts.has(`${url.hostname}:${effectivePort(url)}`);
}

function effectivePort(url: URL): string {
  if (url.port !== '') return url.port;
  return url.protocol === 'http:' ? '80' : '443';
}

function resolveWithSystem(hostname: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
}
