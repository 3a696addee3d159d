export interface LossWindowsOptions {
  /** How long before and after a loss its effects are reckoned with: an exec that was lost matters to what follows. */
  marginNs: bigint;
  /** Windows kept; older ones are joined into the oldest. */
  maxWindows: number;
}

/** When records are known to have been lost, on the clock of the events (CLOCK_BOOTTIME). */
export class LossWindows {
  readonly #options: LossWindowsOptions;
  readonly #windows: { fromKtimeNs: bigint; toKtimeNs: bigint }[] = [];

  constructor(options: LossWindowsOptions) {
    this.#options = options;
  }

  note(fromKtimeNs: bigint, toKtimeNs: bigint): void {
    const last = this.#windows.at(-1);
    if (last !== undefined && fromKtimeNs <= last.toKtimeNs) {
      if (toKtimeNs > last.toKtimeNs) last.toKtimeNs = toKtimeNs;
      return;
    }
    this.#windows.push({ fromKtimeNs, toKtimeNs });
    if (this.#windows.length <= this.#options.maxWindows) return;
    // Two windows and what lies between them: rather too much doubt than too little.
    const oldest = this.#windows.shift();
    const next = this.#windows[0];
    if (oldest !== undefined && next !== undefined) next.fromKtimeNs = oldest.fromKtimeNs;
  }

  isComplete(ktimeNs: bigint): boolean {
    if (this.#windows.length === 0) return true;
    const { marginNs } = this.#options;
    return !this.#windows.some(
      (window) => ktimeNs >= window.fromKtimeNs - marginNs && ktimeNs <= window.toKtimeNs + marginNs,
    );
  }
}
