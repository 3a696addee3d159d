export const Kind = { directory: 0, file: 1, symlink: 2, other: 3, removed: 4 } as const;
export type KindNumber = (typeof Kind)[keyof typeof Kind];

/** Of the root directory. */
export const rootId = 0;
/** Where an entry is asked for and there is none. */
export const noEntry = -1;

const initialCapacity = 1_024;

/**
 * The entries of a file tree as columns, an id each: about 90 bytes for one with its name, where an object would take 300.
 * Ids of parents are smaller than those of their children.
 */
export class EntryTable {
  names: string[] = [];
  parents = new Uint32Array(initialCapacity);
  kinds = new Uint8Array(initialCapacity);
  layers = new Uint16Array(initialCapacity);
  modes = new Uint16Array(initialCapacity);
  sizes = new Float64Array(initialCapacity);
  /** 1 where nothing that lower layers have below this directory shows. */
  closed = new Uint8Array(initialCapacity);
  readonly linkTargets = new Map<number, string>();
  /** Of names that are not UTF-8. */
  readonly rawNames = new Map<number, Buffer>();
  #firstChildren = new Uint32Array(initialCapacity);
  #nextSiblings = new Uint32Array(initialCapacity);
  /** Open addressing: id + 1, by parent and name. */
  #slots = new Uint32Array(initialCapacity * 2);

  constructor() {
    this.names.push('');
    this.modes[rootId] = 0o755;
  }

  get size(): number {
    return this.names.length;
  }

  find(parent: number, name: string): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(parent, name) & mask; ; slot = (slot + 1) & mask) {
      const id = (this.#slots[slot] as number) - 1;
      if (id < 0) return noEntry;
      if (this.parents[id] === parent && this.names[id] === name) return id;
    }
  }

  /** There must be no such entry yet. */
  add(parent: number, name: string, kind: KindNumber): number {
    const id = this.names.length;
    if (id === this.parents.length) this.#grow();
    this.names.push(name);
    this.parents[id] = parent;
    this.kinds[id] = kind;
    this.#nextSiblings[id] = this.#firstChildren[parent] as number;
    this.#firstChildren[parent] = id;
    this.#putInSlot(id);
    return id;
  }

  *childrenOf(id: number): Generator<number> {
    for (let child = this.#firstChildren[id] as number; child !== 0; child = this.#nextSiblings[child] as number)
      yield child;
  }

  /** Absolute, "/" for the root. */
  pathOf(id: number): string {
    if (id === rootId) return '/';
    let path = '';
    for (let at = id; at !== rootId; at = this.parents[at] as number) path = `/${this.names[at]}${path}`;
    return path;
  }

  /** As file systems keep it, without a slash at the beginning; "." for the root. */
  rawPathOf(id: number): Buffer {
    if (id === rootId) return Buffer.from('.');
    const parts: Buffer[] = [];
    for (let at = id; at !== rootId; at = this.parents[at] as number) {
      parts.unshift(this.rawNames.get(at) ?? Buffer.from(this.names[at] as string));
      parts.unshift(slash);
    }
    return Buffer.concat(parts.slice(1));
  }

  #putInSlot(id: number): void {
    const mask = this.#slots.length - 1;
    let slot = hashOf(this.parents[id] as number, this.names[id] as string) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = id + 1;
  }

  #grow(): void {
    const capacity = this.parents.length * 2;
    this.parents = enlarged(this.parents, new Uint32Array(capacity));
    this.kinds = enlarged(this.kinds, new Uint8Array(capacity));
    this.layers = enlarged(this.layers, new Uint16Array(capacity));
    this.modes = enlarged(this.modes, new Uint16Array(capacity));
    this.sizes = enlarged(this.sizes, new Float64Array(capacity));
    this.closed = enlarged(this.closed, new Uint8Array(capacity));
    this.#firstChildren = enlarged(this.#firstChildren, new Uint32Array(capacity));
    this.#nextSiblings = enlarged(this.#nextSiblings, new Uint32Array(capacity));
    this.#slots = new Uint32Array(capacity * 2);
    for (let id = 1; id < this.names.length; id++) this.#putInSlot(id);
  }
}

const slash = Buffer.from('/');

function enlarged<Column extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
  from: Column,
  to: Column,
): Column {
  to.set(from);
  return to;
}

/**
 * With a start that differs from run to run: names are the image's choice, and could be chosen to collide.
 */
const seed = crypto.getRandomValues(new Uint32Array(1))[0] as number;

function hashOf(parent: number, name: string): number {
  let hash = seed ^ Math.imul(parent, 0x9e3779b1);
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
