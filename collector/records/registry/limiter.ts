/** At most `limit` tasks at once per key; the others wait in order. Keys without tasks take no memory. */
export class KeyedLimiter {
  readonly #limit: number;
  readonly #slots = new Map<string, { running: number; waiting: (() => void)[] }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many tasks wait, over all keys. */
  get waiting(): number {
    let sum = 0;
    for (const slot of this.#slots.values()) sum += slot.waiting.length;
    return sum;
  }

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const slot = this.#slots.get(key) ?? { running: 0, waiting: [] };
    this.#slots.set(key, slot);
    if (slot.running >= this.#limit) await new Promise<void>((resolve) => slot.waiting.push(resolve));
    else slot.running++;
    try {
      return await task();
    } finally {
      const next = slot.waiting.shift();
      if (next !== undefined) next();
      else if (--slot.running === 0) this.#slots.delete(key);
    }
  }
}
