import type { NecessaryValues } from './necessary-values.ts';
import type { EventScope } from './scope.ts';

/** Something that can only be meant by events in which a field has one of some values, or by any where there is no such field. */
export interface Indexed {
  readonly needs: NecessaryValues | undefined;
  /** Its place among the others. */
  readonly order: number;
}

interface FieldIndex<Entry> {
  read: (scope: EventScope) => unknown;
  byValue: Map<unknown, Entry[]>;
}

/** Finds what an event may mean by the values of its fields: each field is read once, however many ask for it. */
export class RuleIndex<Entry extends Indexed> {
  readonly #always: Entry[] = [];
  readonly #fields = new Map<string, FieldIndex<Entry>>();

  add(entry: Entry): void {
    if (entry.needs === undefined) {
      this.#always.push(entry);
      return;
    }
    const { path, read, values } = entry.needs;
    const field = this.#fields.get(path) ?? { read, byValue: new Map<unknown, Entry[]>() };
    this.#fields.set(path, field);
    for (const value of values) {
      const entries = field.byValue.get(value);
      if (entries === undefined) field.byValue.set(value, [entry]);
      else entries.push(entry);
    }
  }

  /** Calls back for each that the event may mean, in no particular order. */
  forEach(scope: EventScope, onEntry: (entry: Entry) => void): void {
    for (const entry of this.#always) onEntry(entry);
    for (const { read, byValue } of this.#fields.values()) {
      const entries = byValue.get(read(scope));
      if (entries !== undefined) for (const entry of entries) onEntry(entry);
    }
  }
}
