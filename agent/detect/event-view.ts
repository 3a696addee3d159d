import type { CapabilityEvent, NamespaceEvent } from '../decode/kernel-event.ts';
import { present } from './present.ts';

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

function optional(number: number | undefined): bigint | undefined {
  return number === undefined ? undefined : BigInt(number);
}
