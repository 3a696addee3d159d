import ipaddr from 'ipaddr.js';
import { runtimeOfSocket } from '../container/runtime-sockets.ts';
import type {
  BindEvent,
  ConnectEvent,
  DnsEvent,
  FanoutEvent,
  NetworkEvent,
  TcpStateEvent,
  UnixConnectEvent,
} from '../decode/network-event.ts';
import { addressesOf } from '../dns/dns-event.ts';
import { present } from './present.ts';

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
  get remoteNames(): readonly string[] {
    return this.#event.remoteNames;
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
  get remoteNames(): readonly string[] {
    return this.#event.remoteNames;
  }
  get failure(): string {
    return this.#event.failure;
  }
  get errorNumber(): bigint {
    return BigInt(this.#event.errorNumber);
  }
}

export class BindEventView {
  readonly kind = 'bind';
  readonly #event: BindEvent;

  constructor(event: BindEvent) {
    this.#event = event;
  }

  get transport(): string {
    return this.#event.transport;
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
}

export class FanoutEventView {
  readonly kind = 'fanout';
  readonly #event: FanoutEvent;

  constructor(event: FanoutEvent) {
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
  get destinations(): bigint {
    return BigInt(this.#event.destinations);
  }
  get shape(): string {
    return this.#event.shape;
  }
}

export class DnsEventView {
  readonly kind = 'dns';
  readonly #event: DnsEvent;

  constructor(event: DnsEvent) {
    this.#event = event;
  }

  get transport(): string {
    return this.#event.transport;
  }
  get resolverAddress(): string | undefined {
    return present(this.#event.resolverAddress);
  }
  get queryName(): string {
    return this.#event.queryName;
  }
  get queryType(): string {
    return this.#event.queryType;
  }
  get responseCode(): string {
    return this.#event.responseCode;
  }
  get addresses(): string[] {
    return addressesOf(this.#event);
  }
  get answerTypes(): string[] {
    return [...new Set(this.#event.answers.map((answer) => answer.type))];
  }
  get subdomains(): bigint {
    return BigInt(this.#event.subdomains);
  }
  get truncated(): boolean {
    return this.#event.truncated;
  }
  get wellFormed(): boolean {
    return this.#event.wellFormed;
  }
}

export class UnixConnectEventView {
  readonly kind = 'unix-connect';
  readonly #event: UnixConnectEvent;

  constructor(event: UnixConnectEvent) {
    this.#event = event;
  }

  get path(): string {
    return this.#event.path;
  }
  get pathSource(): string {
    return this.#event.pathSource;
  }
  get runtime(): string {
    return runtimeOfSocket(this.#event.path);
  }
}

/** What rules read of an event about sockets. */
export function networkViewOf(event: NetworkEvent): object {
  switch (event.kind) {
    case 'connect':
      return new ConnectEventView(event);
    case 'tcp':
      return new TcpEventView(event);
    case 'bind':
      return new BindEventView(event);
    case 'fanout':
      return new FanoutEventView(event);
    case 'dns':
      return new DnsEventView(event);
    case 'unix-connect':
      return new UnixConnectEventView(event);
  }
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
