import { firstEphemeralPort } from '../../common/ephemeral-port.ts';
import type { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import type { Fact, FactKind } from './facts.ts';

/** Facts told of one container. A container can make up any number of names, paths, arguments and destinations. */
const maxFacts: Record<FactKind, number> = {
  executed: 1_000,
  capabilityUsed: 500,
  connected: 1_000,
  namespaceChanged: 200,
  listened: 200,
  accepted: 1_000,
  resolved: 1_000,
  unixConnected: 200,
  fileChanged: 1_000,
};
/** Shapes of arguments told of a program and its parent; behind it they count as any. */
const maxShapes = 32;
/** Ports chosen by the kernel told of a program; behind it they count as any. */
const maxEphemeralListens = 8;
/** The use of a capability is told again when it goes on, so that it is known when it was used last. */
const refreshNs = 3_600_000_000_000n;

export type Verdict = 'new' | 'known' | 'full' | 'needless';

export interface ObservedFact {
  origin: ProcessEntry;
  fact: Fact;
  /** When it was seen, CLOCK_BOOTTIME. */
  ktimeNs: bigint;
}

/** What has been told of one container. */
export class ContainerFacts {
  readonly #seen = new Set<string>();
  /** When the use of a capability was told last. */
  readonly #toldKtimeNs = new Map<string, bigint>();
  readonly #counts = new Map<FactKind, number>();
  readonly #variants = new Map<string, number>();
  #servesDatagrams = false;

  get size(): number {
    return this.#seen.size + this.#variants.size;
  }

  /** Whether a fact is to be told; one that has too many variants is made one that stands for all of them. */
  judge({ origin, fact, ktimeNs }: ObservedFact): Verdict {
    if (this.#isAnswer(fact)) return 'needless';
    if (this.#knows(origin, fact)) return this.#isDueAgain(origin, fact, ktimeNs) ? 'new' : 'known';
    if (this.#generalise(fact) && this.#knows(origin, fact)) return 'known';
    const count = this.#counts.get(fact.$case) ?? 0;
    if (count >= maxFacts[fact.$case]) return 'full';
    this.#counts.set(fact.$case, count + 1);
    this.#seen.add(keyOf(origin, fact));
    this.#isDueAgain(origin, fact, ktimeNs);
    if (fact.$case === 'listened' && fact.value.transport === 'udp') this.#servesDatagrams = true;
    return 'new';
  }

  #knows(origin: ProcessEntry, fact: Fact): boolean {
    return this.#seen.has(keyOf(origin, fact));
  }

  #isDueAgain(origin: ProcessEntry, fact: Fact, ktimeNs: bigint): boolean {
    if (fact.$case !== 'capabilityUsed') return false;
    const key = keyOf(origin, fact);
    if (ktimeNs - (this.#toldKtimeNs.get(key) ?? -refreshNs) < refreshNs) return false;
    this.#toldKtimeNs.set(key, ktimeNs);
    return true;
  }

  /** A server of datagrams answers to whatever port its client has: no destination of its own choice. */
  #isAnswer(fact: Fact): boolean {
    return (
      this.#servesDatagrams &&
      fact.$case === 'connected' &&
      fact.value.transport === 'udp' &&
      fact.value.remotePort >= firstEphemeralPort
    );
  }

  #generalise(fact: Fact): boolean {
    if (fact.$case === 'executed') {
      const { executablePath, parentPath, argumentShape } = fact.value;
      const program = argumentShape.split(' ', 1)[0] ?? '';
      const group = JSON.stringify([executablePath, parentPath, program]);
      if (this.#hasRoomFor(group, maxShapes)) return false;
      fact.value.argumentShape = `${program} *`;
      return true;
    }
    if (fact.$case === 'listened' && fact.value.localPort >= firstEphemeralPort) {
      const { transport, executablePath } = fact.value;
      if (this.#hasRoomFor(JSON.stringify([transport, executablePath]), maxEphemeralListens)) return false;
      fact.value.localPort = 0;
      return true;
    }
    return false;
  }

  #hasRoomFor(group: string, max: number): boolean {
    const variants = this.#variants.get(group) ?? 0;
    if (variants >= max) return false;
    if (variants > 0 || this.#variants.size < maxFacts.executed) this.#variants.set(group, variants + 1);
    return true;
  }
}

function keyOf(origin: ProcessEntry, { $case, value }: Fact): string {
  return `${origin} ${$case} ${JSON.stringify(Object.values(value))}`;
}
