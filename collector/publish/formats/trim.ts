export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What may stay of an event; every bound holds for each string, list, map or chain in it. */
export interface TrimLimits {
  maxTextCharacters: number;
  maxItems: number;
  maxKeys: number;
  /** Processes above the acting one. */
  maxAncestors: number;
}

/** Tried in order until the event fits. The first only takes what is beyond reason. */
export const trimLevels: readonly TrimLimits[] = [
  { maxTextCharacters: 65_536, maxItems: 512, maxKeys: 256, maxAncestors: 64 },
  { maxTextCharacters: 8_192, maxItems: 128, maxKeys: 128, maxAncestors: 32 },
  { maxTextCharacters: 2_048, maxItems: 32, maxKeys: 64, maxAncestors: 16 },
  { maxTextCharacters: 512, maxItems: 8, maxKeys: 40, maxAncestors: 4 },
  { maxTextCharacters: 128, maxItems: 4, maxKeys: 40, maxAncestors: 2 },
];

export interface Trimmed {
  value: Json;
  /** What was taken away, by path; at most `maxNotes`. */
  notes: string[];
}

const maxNotes = 32;
const maxDepth = 200;

/**
 * A copy within the limits, with every string well-formed Unicode (a lone surrogate becomes U+FFFD: many JSON readers
 * refuse it) and without undefined members. Required attributes survive: only the length of texts, lists, maps and of the
 * chain of parent processes is cut.
 */
export function trim(value: unknown, limits: TrimLimits): Trimmed {
  const walk = new TrimWalk(limits);
  return { value: walk.copy(value, '', 0, 0), notes: walk.notes };
}

class TrimWalk {
  /** By place; the parents of a chain, the items of a list and the fields of an event count as one place. */
  readonly #notes = new Map<string, string>();
  readonly #limits: TrimLimits;

  constructor(limits: TrimLimits) {
    this.#limits = limits;
  }

  get notes(): string[] {
    return [...this.#notes.values()];
  }

  copy(value: unknown, path: string, depth: number, ancestors: number): Json {
    if (typeof value === 'string') return this.#text(value, path);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (typeof value === 'boolean') return value;
    if (typeof value !== 'object' || value === null || depth >= maxDepth) return null;
    return Array.isArray(value) ? this.#list(value, path, depth, ancestors) : this.#map(value, path, depth, ancestors);
  }

  #text(text: string, path: string): string {
    const max = this.#limits.maxTextCharacters;
    if (text.length <= max) return text.toWellFormed();
    this.#note(path, `${max} of ${text.length} characters kept`);
    const end = /[\ud800-\udbff]/.test(text.charAt(max - 1)) ? max - 1 : max;
    return text.slice(0, end).toWellFormed();
  }

  #list(list: readonly unknown[], path: string, depth: number, ancestors: number): Json[] {
    const kept = list.slice(0, this.#limits.maxItems);
    if (kept.length < list.length) this.#note(path, `${kept.length} of ${list.length} items kept`);
    return kept.map((item, index) => this.copy(item, `${path}[${index}]`, depth + 1, ancestors));
  }

  #map(map: object, path: string, depth: number, ancestors: number): Json {
    const present = Object.entries(map).filter(([, member]) => member !== undefined);
    const kept = present.slice(0, this.#limits.maxKeys);
    if (kept.length < present.length) this.#note(path, `${kept.length} of ${present.length} entries kept`);
    const copied: [string, Json][] = [];
    for (const [key, member] of kept) {
      const above = key === 'parent_process' ? ancestors + 1 : ancestors;
      const at = path === '' ? key : `${path}.${key}`;
      if (above > this.#limits.maxAncestors) this.#note(path, `${this.#limits.maxAncestors} ancestors kept`);
      else copied.push([this.#text(key, `${path} (a name)`), this.copy(member, at, depth + 1, above)]);
    }
    return Object.fromEntries(copied);
  }

  #note(path: string, what: string): void {
    const place = path
      .replace(/(\.parent_process)+/, '.parent_process')
      .replace(/\.fields\..*/s, '.fields.*')
      .replace(/\[\d+\]$/, '[]')
      .slice(0, 200)
      .toWellFormed();
    if (this.#notes.has(place)) return;
    if (this.#notes.size < maxNotes) this.#notes.set(place, `${place}: ${what}`);
    else this.#notes.set('', 'and more');
  }
}
