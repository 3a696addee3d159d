import { growingLru } from '../../common/lru.ts';
import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { AttributedEvent, WallClock } from '../detect/attributed-event.ts';
import { processEntries } from '../detect/evidence.ts';
import { originOf } from '../process/origin.ts';
import { ContainerFacts, type Verdict } from './container-facts.ts';
import { type FactKind, factOf } from './facts.ts';

export interface ObservationsOptions {
  clock: WallClock;
  /** A fact that is not told, because its container has told its fill. Hop "observation". */
  onLoss?: (loss: Loss) => void;
  /** Facts remembered of all containers together. Default 131 072. */
  maxRemembered?: number;
}

const kindNames: Record<FactKind, string> = {
  executed: 'executed',
  capabilityUsed: 'capability-used',
  connected: 'connected',
  namespaceChanged: 'namespace-changed',
  listened: 'listened',
  accepted: 'accepted',
  resolved: 'resolved',
  unixConnected: 'unix-connected',
  fileChanged: 'file-changed',
};

/**
 * Turns events into observations: facts about a container, each sent once for as long as it is remembered. What a container
 * was told of is forgotten all at once, when others have been busier and memory is full: it may then be sent again.
 */
export class Observations {
  readonly #options: ObservationsOptions;
  readonly #maxRemembered: number;
  readonly #containers = growingLru<string, ContainerFacts>(65_536, (facts) => {
    this.#remembered -= facts.size;
  });
  #remembered = 0;

  constructor(options: ObservationsOptions) {
    this.#options = options;
    this.#maxRemembered = options.maxRemembered ?? 131_072;
  }

  /** Undefined when the fact has been reported before, or the event holds none. */
  observe({ event, container, execution }: AttributedEvent): Observation | undefined {
    if (event.kind === 'fanout') this.#lost(container.id, 'connected', 'fanout', event.ktimeNs);
    const fact = factOf(event, execution);
    if (fact === undefined) return undefined;
    const origin = execution === undefined ? ProcessEntry.UNSPECIFIED : processEntries[originOf(execution)];
    const verdict = this.#judge(this.#factsOf(container.id), { origin, fact, ktimeNs: event.ktimeNs });
    if (verdict === 'full') this.#lost(container.id, kindNames[fact.$case], 'limit-reached', event.ktimeNs);
    if (verdict !== 'new') return undefined;
    return { containerId: container.id, firstSeenUnixNs: this.#options.clock.unixNs(event.ktimeNs), origin, fact };
  }

  #judge(facts: ContainerFacts, what: Parameters<ContainerFacts['judge']>[0]): Verdict {
    const sizeBefore = facts.size;
    const verdict = facts.judge(what);
    this.#remembered += facts.size - sizeBefore;
    while (this.#remembered > this.#maxRemembered && this.#containers.size > 1) this.#containers.pop();
    return verdict;
  }

  #factsOf(containerId: string): ContainerFacts {
    const known = this.#containers.get(containerId);
    if (known !== undefined) return known;
    const facts = new ContainerFacts();
    this.#containers.set(containerId, facts);
    return facts;
  }

  #lost(containerId: string, type: string, reason: string, ktimeNs: bigint): void {
    const window = { fromKtimeNs: ktimeNs, toKtimeNs: ktimeNs };
    this.#options.onLoss?.({ hop: 'observation', type, reason, count: 1n, ...window, containerId });
  }
}
