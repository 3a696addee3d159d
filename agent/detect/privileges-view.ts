import { capabilityNamesOf } from '../../common/capabilities.ts';
import type { CapabilitySets, Credentials, Privileges } from '../decode/kernel-event.ts';

/** What a rule sees of the privileges that a process had at some time. */
export class PrivilegesView {
  readonly #privileges: Privileges;

  constructor(privileges: Privileges) {
    this.#privileges = privileges;
  }

  get credentials(): CredentialsView {
    return new CredentialsView(this.#privileges.credentials);
  }
  get capabilities(): CapabilitySetsView {
    return new CapabilitySetsView(this.#privileges.capabilities);
  }
}

/** What a rule sees of the user and group ids of a process. */
export class CredentialsView {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  get uid(): bigint {
    return BigInt(this.#credentials.uid);
  }
  get gid(): bigint {
    return BigInt(this.#credentials.gid);
  }
  get euid(): bigint {
    return BigInt(this.#credentials.euid);
  }
  get egid(): bigint {
    return BigInt(this.#credentials.egid);
  }
  get suid(): bigint {
    return BigInt(this.#credentials.suid);
  }
  get sgid(): bigint {
    return BigInt(this.#credentials.sgid);
  }
}

/** What a rule sees of capability sets: names such as CAP_NET_RAW. */
export class CapabilitySetsView {
  readonly #sets: CapabilitySets;

  constructor(sets: CapabilitySets) {
    this.#sets = sets;
  }

  get effective(): string[] {
    return capabilityNamesOf(this.#sets.effective);
  }
  get permitted(): string[] {
    return capabilityNamesOf(this.#sets.permitted);
  }
  get inheritable(): string[] {
    return capabilityNamesOf(this.#sets.inheritable);
  }
  get bounding(): string[] {
    return capabilityNamesOf(this.#sets.bounding);
  }
  get ambient(): string[] {
    return capabilityNamesOf(this.#sets.ambient);
  }
}
