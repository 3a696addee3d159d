/**
 * Waits for the same time again and again. One timer is wound up anew each time: making and ending one costs about as much
 * as all the records that gather in the meantime.
 */
export class Pace {
  readonly #timer: NodeJS.Timeout;
  #resolve: (() => void) | undefined;

  constructor(intervalMs: number) {
    this.#timer = setTimeout(() => this.#end(), intervalMs);
  }

  /** Resolves after the interval, or at once when closed. One caller at a time. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#timer.refresh();
    });
  }

  /** Ends the wait that is going on; there must be none after it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#end();
  }

  #end(): void {
    this.#resolve?.();
    this.#resolve = undefined;
  }
}
