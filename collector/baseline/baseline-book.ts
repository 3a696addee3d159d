import type { BaselineChanges, BaselineContainer, FactRecord } from './fact-record.ts';
import type { BaselineHead } from './head.ts';
import { LearnedFacts } from './learned-facts.ts';
import { maxFactsInMemory } from './options.ts';

/** What of the store is needed for baselines. */
export interface BaselineStore {
  listBaselineHeads(): string[];
  listBaselineFacts(baselineId: string): FactRecord[];
  listBaselineContainers(): BaselineContainer[];
  writeBaselines(changes: BaselineChanges): void;
}

interface Loaded {
  facts: LearnedFacts;
  usedAt: number;
}

/**
 * All baselines, in memory and in the store. Heads and containers are always in memory, facts as long as there is room. What
 * changes is written by `flush`, in one transaction; what only counts waits for `flushAll`, and a crash may forget it.
 */
export class BaselineBook {
  readonly heads = new Map<string, BaselineHead>();
  readonly containers = new Map<string, BaselineContainer>();
  readonly #store: BaselineStore;
  readonly #loaded = new Map<string, Loaded>();
  #uses = 0;
  readonly #dirtyHeads = new Set<string>();
  readonly #laterHeads = new Set<string>();
  readonly #dirtyFacts = new Map<string, { baselineId: string; key: string }>();
  readonly #laterFacts = new Map<string, { baselineId: string; key: string }>();
  readonly #dirtyContainers = new Set<string>();
  readonly #laterContainers = new Set<string>();
  readonly #removed = { baselines: new Set<string>(), containers: new Map<string, BaselineContainer>() };

  /** @throws {CodedError} of the store. */
  constructor(store: BaselineStore) {
    this.#store = store;
    for (const text of store.listBaselineHeads()) {
      const head = JSON.parse(text) as BaselineHead;
      this.heads.set(head.id, head);
    }
    for (const one of store.listBaselineContainers())
      this.containers.set(containerKey(one.nodeName, one.containerId), one);
  }

  /** @throws {CodedError} of the store. */
  factsOf(id: string): LearnedFacts {
    const known = this.#loaded.get(id);
    if (known !== undefined) {
      known.usedAt = ++this.#uses;
      return known.facts;
    }
    const facts = new LearnedFacts(this.#store.listBaselineFacts(id));
    this.#loaded.set(id, { facts, usedAt: ++this.#uses });
    return facts;
  }

  addBaseline(head: BaselineHead, facts: LearnedFacts): void {
    this.heads.set(head.id, head);
    this.#removed.baselines.delete(head.id);
    this.#loaded.set(head.id, { facts, usedAt: ++this.#uses });
    this.#dirtyHeads.add(head.id);
    for (const key of facts.records.keys()) this.factChanged(head.id, key);
  }

  removeBaseline(id: string): void {
    this.heads.delete(id);
    this.#loaded.delete(id);
    this.#removed.baselines.add(id);
    for (const one of [...this.containers.values()]) if (one.baselineId === id) this.removeContainer(one);
  }

  headChanged(id: string): void {
    this.#dirtyHeads.add(id);
  }

  /** Only what is counted changed. */
  headCounted(id: string): void {
    this.#laterHeads.add(id);
  }

  factChanged(baselineId: string, key: string): void {
    this.#dirtyFacts.set(`${baselineId} ${key}`, { baselineId, key });
  }

  factCounted(baselineId: string, key: string): void {
    this.#laterFacts.set(`${baselineId} ${key}`, { baselineId, key });
  }

  putContainer(one: BaselineContainer): void {
    const key = containerKey(one.nodeName, one.containerId);
    this.containers.set(key, one);
    this.#removed.containers.delete(key);
    this.#dirtyContainers.add(key);
  }

  /** Only what may be forgotten changed. */
  containerCounted(one: BaselineContainer): void {
    this.#laterContainers.add(containerKey(one.nodeName, one.containerId));
  }

  removeContainer(one: BaselineContainer): void {
    const key = containerKey(one.nodeName, one.containerId);
    this.containers.delete(key);
    this.#removed.containers.set(key, one);
  }

  /** Writes what must not be forgotten. @throws {CodedError} of the store; nothing is forgotten then. */
  flush(): void {
    this.#write(this.#dirtyHeads, this.#dirtyFacts);
  }

  /** Writes everything, then lets go of facts that were not used for long. @throws {CodedError} of the store. */
  flushAll(): void {
    for (const id of this.#laterHeads) this.#dirtyHeads.add(id);
    for (const [key, one] of this.#laterFacts) this.#dirtyFacts.set(key, one);
    for (const key of this.#laterContainers) this.#dirtyContainers.add(key);
    this.flush();
    this.#laterHeads.clear();
    this.#laterFacts.clear();
    this.#laterContainers.clear();
    this.#letGo();
  }

  #write(heads: Set<string>, facts: Map<string, { baselineId: string; key: string }>): void {
    const { baselines, containers } = this.#removed;
    if (heads.size + facts.size + baselines.size + containers.size + this.#dirtyContainers.size === 0) return;
    const changes = {
      heads: [...heads].flatMap((id) => {
        const head = this.heads.get(id);
        return head === undefined ? [] : [{ id, head: JSON.stringify(head) }];
      }),
      facts: [] as { baselineId: string; record: FactRecord }[],
      removedFacts: [] as { baselineId: string; key: string }[],
      containers: [...this.#dirtyContainers].flatMap((key) => this.containers.get(key) ?? []),
      removedContainers: [...containers.values()],
      removedBaselines: [...baselines],
    };
    for (const { baselineId, key } of facts.values()) {
      if (!this.heads.has(baselineId)) continue;
      const record = this.factsOf(baselineId).records.get(key);
      if (record === undefined) changes.removedFacts.push({ baselineId, key });
      else changes.facts.push({ baselineId, record });
    }
    this.#store.writeBaselines(changes);
    for (const set of [heads, facts, baselines, containers, this.#dirtyContainers]) set.clear();
  }

  #letGo(): void {
    let held = 0;
    for (const { facts } of this.#loaded.values()) held += facts.records.size + 1;
    if (held <= maxFactsInMemory) return;
    const oldestFirst = [...this.#loaded].sort(([, one], [, other]) => one.usedAt - other.usedAt);
    for (const [id, { facts }] of oldestFirst) {
      if (held <= maxFactsInMemory * 0.8) break;
      this.#loaded.delete(id);
      held -= facts.records.size + 1;
    }
  }
}

export function containerKey(nodeName: string, containerId: string): string {
  return `${nodeName} ${containerId}`;
}
