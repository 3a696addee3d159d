export interface PacerOptions {
  /** How long the whole may take, pauses included. */
  maxDurationMs: number;
  /** Of one CPU: 0.25 works a quarter of the time and sleeps the rest. 1: never sleeps. */
  cpuShare: number;
}

/** Sleeping is only for threads that have nothing else to do. */
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const sliceMs = 5;
/** The clock is asked every so many steps. */
const stepsPerLook = 32;

/** Makes long work in a worker leave the CPU to others, and end in time. */
export class Pacer {
  readonly #deadlineMs: number;
  readonly #pausePerWork: number;
  #sliceStartMs = performance.now();
  #steps = 0;
  #expired = false;

  constructor({ maxDurationMs, cpuShare }: PacerOptions) {
    this.#deadlineMs = this.#sliceStartMs + maxDurationMs;
    this.#pausePerWork = cpuShare >= 1 ? 0 : 1 / Math.max(cpuShare, 0.01) - 1;
  }

  /** Called once for each small piece of work. True once the time is used up: the work ends then. */
  step(): boolean {
    if (++this.#steps < stepsPerLook) return this.#expired;
    return this.look();
  }

  /** As `step`, after a larger piece. */
  look(): boolean {
    this.#steps = 0;
    const now = performance.now();
    if (now >= this.#deadlineMs) this.#expired = true;
    const workedMs = now - this.#sliceStartMs;
    if (this.#expired || workedMs < sliceMs || this.#pausePerWork === 0) return this.#expired;
    const pauseMs = Math.min(workedMs * this.#pausePerWork, this.#deadlineMs - now);
    Atomics.wait(sleeper, 0, 0, pauseMs);
    this.#sliceStartMs = performance.now();
    return this.#expired;
  }

  get expired(): boolean {
    return this.#expired;
  }
}
