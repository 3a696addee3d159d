/**
 * First in, first out, with a hard bound. `push` answers false when full: the caller counts the loss and decides what
 * it means. Amortised O(1) without moving elements.
 */
export class BoundedQueue<T> {
  readonly capacity: number;
  #items: (T | undefined)[];
  #head = 0;
  #size = 0;

  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`queue capacity must be a positive integer, got ${capacity}`);
    this.capacity = capacity;
    this.#items = [];
  }

  get size(): number {
    return this.#size;
  }

  push(item: T): boolean {
    if (this.#size === this.capacity) return false;
    const slot = (this.#head + this.#size) % this.capacity;
    this.#items[slot] = item;
    this.#size++;
    return true;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.capacity;
    this.#size--;
    return item;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  /** Removes and returns at most `limit` items, oldest first. */
  drain(limit: number): T[] {
    const taken: T[] = [];
    while (taken.length < limit && this.#size > 0) taken.push(this.shift() as T);
    return taken;
  }
}
