/**
 * Reads fields of an answer whose shape differs between runtime versions. Fields that are missing or null are absent and
 * take their default; fields of another type are invalid, and noted under the name of the fact they were read for.
 */
export class JsonReader {
  readonly #object: Record<string, unknown>;
  readonly #invalid: Set<string>;

  constructor(value: unknown, invalid: Set<string> = new Set()) {
    this.#object = isObject(value) ? value : {};
    this.#invalid = invalid;
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined && this.#object[key] !== null;
  }

  /** The value as it is; undefined where it is missing. */
  raw(key: string): unknown {
    return this.#object[key];
  }

  text(key: string, fact: string = key): string {
    const value = this.#object[key] ?? '';
    return typeof value === 'string' ? value : this.#note(fact, '');
  }

  flag(key: string, fact: string = key): boolean {
    const value = this.#object[key] ?? false;
    return typeof value === 'boolean' ? value : this.#note(fact, false);
  }

  count(key: string, fact: string = key): number {
    const value = this.#object[key] ?? 0;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : this.#note(fact, 0);
  }

  /** Entries that are no texts are left out, and noted. */
  texts(key: string, fact: string = key): string[] {
    return this.#list(key, fact).filter((entry) => typeof entry === 'string' || this.#note(fact, false)) as string[];
  }

  objects(key: string, fact: string = key): JsonReader[] {
    return this.#list(key, fact).map((entry) => {
      if (!isObject(entry)) this.#note(fact, undefined);
      return new JsonReader(entry, this.#invalid);
    });
  }

  object(key: string): JsonReader {
    return new JsonReader(this.#object[key], this.#invalid);
  }

  /** A map of texts; at most `max` entries, other values are left out. */
  textMap(key: string, max: number): Record<string, string> {
    const result: Record<string, string> = {};
    const value = this.#object[key];
    if (!isObject(value)) return result;
    for (const [name, text] of Object.entries(value).slice(0, max)) if (typeof text === 'string') result[name] = text;
    return result;
  }

  #list(key: string, fact: string): unknown[] {
    const value = this.#object[key] ?? [];
    return Array.isArray(value) ? value : this.#note(fact, []);
  }

  #note<T>(fact: string, fallback: T): T {
    this.#invalid.add(fact);
    return fallback;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
