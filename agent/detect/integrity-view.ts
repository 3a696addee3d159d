import { capabilityNamesOf } from '../../common/capabilities.ts';
import type { CapabilitySets } from '../decode/kernel-event.ts';
import type { IntegrityEvent } from '../integrity/integrity-event.ts';
import type { HeldPrivileges } from '../integrity/privileges.ts';
import { present } from './present.ts';
import { PrivilegesView } from './privileges-view.ts';

const none: string[] = [];

/** What a rule sees of an integrity event. Fields of other changes than its own are absent, lists of them empty. */
export class IntegrityEventView {
  readonly kind = 'integrity';
  readonly #event: IntegrityEvent;

  constructor(event: IntegrityEvent) {
    this.#event = event;
  }

  get change(): string {
    return this.#event.change;
  }
  get seenAt(): string {
    return this.#event.seenAt;
  }
  get growth(): string[] {
    return this.#event.change === 'privileges-grown' ? [...this.#event.growth] : none;
  }
  get gainedCapabilities(): string[] {
    return this.#event.change === 'privileges-grown' ? gainedCapabilities(this.#event) : none;
  }
  get before(): PrivilegesView | undefined {
    return this.#event.change === 'privileges-grown' ? new PrivilegesView(this.#event.before) : undefined;
  }
  get after(): PrivilegesView | undefined {
    return this.#event.change === 'privileges-grown' ? new PrivilegesView(this.#event.after) : undefined;
  }
  get namespaces(): string[] {
    return this.#event.change === 'namespace-changed' ? [...this.#event.namespaces] : none;
  }
  get hostNamespaces(): string[] {
    return this.#event.change === 'namespace-changed' ? [...this.#event.hostNamespaces] : none;
  }
  get told(): boolean {
    return this.#event.change === 'namespace-changed' && this.#event.told;
  }
  get tracerPid(): bigint | undefined {
    return this.#event.change === 'traced' ? BigInt(this.#event.tracerPid) : undefined;
  }
  get tracerPlace(): string | undefined {
    return this.#event.change === 'traced' ? this.#event.tracerPlace : undefined;
  }
  get tracerExecutable(): string | undefined {
    return this.#event.change === 'traced' ? present(this.#event.tracerExecutable) : undefined;
  }
  get descriptors(): string[] {
    return this.#event.change === 'stdio-socket' ? [...this.#event.descriptors] : none;
  }
}

/** Names of the capabilities that are permitted after and were not before. */
export function gainedCapabilities({ before, after }: { before: HeldPrivileges; after: HeldPrivileges }): string[] {
  const permitted = ({ capabilities }: { capabilities: CapabilitySets }): bigint => capabilities.permitted;
  return capabilityNamesOf(permitted(after) & ~permitted(before));
}
