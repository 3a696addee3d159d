import ipaddr from 'ipaddr.js';
import type { CapabilityEvent, ConnectEvent, NamespaceEvent, TcpStateEvent } from '../decode/kernel-event.ts';
import { present } from './process-view.ts';

export class ExecEventView {
  readonly kind = 'exec';
}

export class PostureEventView {
  readonly kind = 'posture';
}

export class CapabilityEventView {
  readonly kind = 'capability';
  readonly #event: CapabilityEvent;

  constructor(event: CapabilityEvent) {
    this.#event = event;
  }

  get capability(): bigint {
    return BigInt(this.#event.capability);
  }
  get capabilityName(): string {
    return this.#event.capabilityName;
  }
  get syscallNumber(): bigint {
    return BigInt(this.#event.syscallNumber);
  }
  get syscallName(): string | undefined {
    return present(this.#event.syscallName);
  }
  get syscallAbi(): string {
    return this.#event.syscallAbi;
  }
  get arguments(): readonly string[] {
    return this.#event.arguments;
  }
  get targetUid(): bigint | undefined {
    return optional(this.#event.targetUid);
  }
  get targetGid(): bigint | undefined {
    return optional(this.#event.targetGid);
  }
  get targetPid(): bigint | undefined {
    return optional(this.#event.targetPid);
  }
  get granted(): boolean {
    return this.#event.granted;
  }
  get userNamespace(): string {
    return this.#event.userNamespace;
  }
  get initialUserNamespace(): boolean {
    return this.#event.isInitialUserNamespace;
  }
}

export class NamespaceEventView {
  readonly kind = 'namespace';
  readonly #event: NamespaceEvent;

  constructor(event: NamespaceEvent) {
    this.#event = event;
  }

  get changed(): readonly string[] {
    return this.#event.changed;
  }
  get toHost(): readonly string[] {
    return this.#event.toHost;
  }
  get syscallName(): string {
    return this.#event.syscallName;
  }
  get arguments(): readonly string[] {
    return this.#event.arguments;
  }
}

export class ConnectEventView {
  readonly kind = 'connect';
  readonly #event: ConnectEvent;

  constructor(event: ConnectEvent) {
    this.#event = event;
  }

  get transport(): string {
    return this.#event.transport;
  }
  get family(): string {
    return this.#event.family;
  }
  get remoteAddress(): string | undefined {
    return present(this.#event.remoteAddress);
  }
  get remotePort(): bigint {
    return BigInt(this.#event.remotePort);
  }
  get remoteScope(): string | undefined {
    return scopeOf(this.#event.remoteAddress);
  }
}

export class TcpEventView {
  readonly kind = 'tcp';
  readonly #event: TcpStateEvent;

  constructor(event: TcpStateEvent) {
    this.#event = event;
  }

  get state(): string {
    return this.#event.state;
  }
  get family(): string {
    return this.#event.family;
  }
  get localAddress(): string | undefined {
    return present(this.#event.localAddress);
  }
  get localPort(): bigint {
    return BigInt(this.#event.localPort);
  }
  get remoteAddress(): string {
    return this.#event.remoteAddress;
  }
  get remotePort(): bigint {
    return BigInt(this.#event.remotePort);
  }
  get remoteScope(): string | undefined {
    return this.#event.remoteAddress === '' ? '' : scopeOf(this.#event.remoteAddress);
  }
}

function optional(number: number | undefined): bigint | undefined {
  return number === undefined ? undefined : BigInt(number);
}

/** Where an address lies; undefined when the text is no address. */
function scopeOf(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  switch (ipaddr.parse(address).range()) {
    case 'loopback':
      return 'loopback';
    case 'linkLocal':
      return 'link-local';
    case 'private':
    case 'uniqueLocal':
    case 'carrierGradeNat':
      return 'private';
    case 'unicast':
      return 'public';
    case 'multicast':
    case 'broadcast':
      return 'multicast';
    default:
      return 'reserved';
  }
}
