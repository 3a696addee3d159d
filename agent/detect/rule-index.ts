import type { NecessaryValues } from './necessary-values.ts';
import type { EventScope } from './scope.ts';

export interface Indexed {
  /** Undefined: any event may be meant. */
  readonly needs: NecessaryValues | undefined;
}

interface Entry<Item> {
  item: Item;
  /** The look-up that found it last: it may be found by several fields. */
  foundIn: number;
}

interface FieldIndex<Item> {
  path: string;
  read: (scope: EventScope) => unknown;
  byValue: Map<unknown, Entry<Item>[]>;
}

/** Finds what an event may mean by the values of its fields: each field is read once, however many ask for it. */
export class RuleIndex<Item extends Indexed> {
  readonly #always: Item[] = [];
  readonly #fields: FieldIndex<Item>[] = [];
  #lookUps = 0;

  add(item: Item): void {
    if (item.needs === undefined) this.#always.push(item);
    const entry = { item, foundIn: 0 };
    for (const { path, read, values } of item.needs ?? []) {
      const field = this.#fieldOf(path, read);
      for (const value of values) field.byValue.set(value, [...(field.byValue.get(value) ?? []), entry]);
    }
  }

  #fieldOf(path: string, read: (scope: EventScope) => unknown): FieldIndex<Item> {
    const known = this.#fields.find((field) => field.path === path);
    if (known !== undefined) return known;
    const field = { path, read, byValue: new Map<unknown, Entry<Item>[]>() };
    this.#fields.push(field);
    return field;
  }

  /** Calls back once for each that the event may mean, in no particular order. */
  forEach(scope: EventScope, onItem: (item: Item) => void): void {
    const lookUp = ++this.#lookUps;
    for (const item of this.#always) onItem(item);
    for (const { read, byValue } of this.#fields) {
      const entries = byValue.get(read(scope));
      if (entries === undefined) continue;
      for (const entry of entries) {
        if (entry.foundIn === lookUp) continue;
        entry.foundIn = lookUp;
        onItem(entry.item);
      }
    }
  }
}
