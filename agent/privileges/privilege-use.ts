import { capabilityNamesOf } from '../../common/capabilities.ts';
import { growingLru } from '../../common/lru.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import { originOf } from '../process/origin.ts';

export interface PrivilegeUseOptions {
  /** How long a container is watched before it is said what it never used; 0: that is never said. */
  reviewAfterMs: number;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  /** Called once per start of a container: capabilities it was given and has not used. */
  onUnused: (containerId: string, capabilityNames: string[]) => void;
}

interface Use {
  granted: bigint;
  used: bigint;
  startedKtimeNs: bigint;
  userLevel: number;
}

const maxContainers = 10_000;

/**
 * Granted and used capabilities of the containers whose start was seen. One of which something was lost is not judged until
 * it starts again: what was lost may have been the use.
 */
export class PrivilegeUse {
  readonly #options: PrivilegeUseOptions;
  readonly #uses = growingLru<string, Use>(maxContainers);

  constructor(options: PrivilegeUseOptions) {
    this.#options = options;
  }

  onEvent({ event, container, execution }: AttributedEvent): void {
    if (event.kind === 'exec' && execution?.entry === 'container-init') {
      const { capabilities, userLevel, ktimeNs } = event;
      this.#uses.set(container.id, { granted: capabilities.permitted, used: 0n, startedKtimeNs: ktimeNs, userLevel });
    }
    if (event.kind !== 'capability' || !event.granted) return;
    const use = this.#uses.get(container.id);
    if (use === undefined || (execution && originOf(execution)) === 'exec-session') return;
    // In a container with a user namespace of its own nothing is asked of the host's.
    if (event.isInitialUserNamespace || use.userLevel > 0) use.used |= 1n << BigInt(event.capability);
  }

  /** Undefined: nobody knows whose records they were. */
  onLoss(containerId: string | undefined): void {
    if (containerId === undefined) this.#uses.clear();
    else this.#uses.delete(containerId);
  }

  forget(containerId: string): void {
    this.#uses.delete(containerId);
  }

  /** To be called now and then: tells of the containers that have been watched for long enough. */
  review(): void {
    const { reviewAfterMs, nowKtimeNs, onUnused } = this.#options;
    if (reviewAfterMs === 0) return;
    const startedBefore = nowKtimeNs() - BigInt(reviewAfterMs) * 1_000_000n;
    for (const [containerId, { granted, used, startedKtimeNs }] of [...this.#uses.entries()]) {
      if (startedKtimeNs > startedBefore) continue;
      this.#uses.delete(containerId);
      const unused = capabilityNamesOf(granted & ~used);
      if (unused.length > 0) onUnused(containerId, unused);
    }
  }
}
