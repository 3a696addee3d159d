/** When each key was read last. Kept in memory and written while pruning: reading must not cost an fsync. */
export class LastUse<K> {
  readonly #times = new Map<K, number>();

  touch(key: K): void {
    this.#times.set(key, Date.now());
  }

  drain(): [key: K, usedAtUnixMs: number][] {
    const entries = [...this.#times];
    this.#times.clear();
    return entries;
  }
}
