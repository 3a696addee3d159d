/** Records or items that are known to be missing. Times are CLOCK_BOOTTIME, as the events'. */
export interface Loss {
  /** Where: "ring-buffer", "budget", "decode"… */
  hop: string;
  /** Record or item type: "exec"… */
  type: string;
  reason: string;
  count: bigint;
  fromKtimeNs: bigint;
  toKtimeNs: bigint;
  /** Undefined: it is not known whose, so that any container of the node may be concerned. */
  containerId: string | undefined;
}

export interface LossWindowsOptions {
  /** How long before and after a loss its effects are reckoned with: an exec that was lost matters to what follows. */
  marginNs: bigint;
  /** Windows kept of each container, and of the node; older ones are joined into the oldest. */
  maxWindows: number;
  /** Containers with windows; beyond, the windows of those that lost nothing for the longest time become the node's. */
  maxContainers?: number;
  /** Windows this much older than the newest are forgotten: no event comes so late. */
  keepNs?: bigint;
}

const none: readonly Loss[] = [];
const theNode = '';
const tenMinutesNs = 600_000_000_000n;

/** When records of which container are known to have been lost. */
export class LossWindows {
  readonly #options: LossWindowsOptions;
  /** By container; in the order of their last loss. */
  readonly #windows = new Map<string, Loss[]>();

  constructor(options: LossWindowsOptions) {
    this.#options = options;
  }

  note(loss: Loss): void {
    const key = loss.containerId ?? theNode;
    const windows = this.#windows.get(key) ?? [];
    this.#windows.delete(key);
    this.#windows.set(key, windows);
    add(windows, loss);
    this.#bound(windows);
    this.#prune(loss.toKtimeNs);
  }

  /** The losses that may be felt at this time in this container; none: what is known of it then is complete. */
  around(ktimeNs: bigint, containerId: string): readonly Loss[] {
    if (this.#windows.size === 0) return none;
    const own = this.#feltAt(ktimeNs, containerId);
    const whole = this.#feltAt(ktimeNs, theNode);
    if (own.length === 0) return whole;
    return whole.length === 0 ? own : [...own, ...whole];
  }

  #feltAt(ktimeNs: bigint, key: string): readonly Loss[] {
    const windows = this.#windows.get(key);
    if (windows === undefined) return none;
    const { marginNs } = this.#options;
    return windows.filter(
      ({ fromKtimeNs, toKtimeNs }) => ktimeNs >= fromKtimeNs - marginNs && ktimeNs <= toKtimeNs + marginNs,
    );
  }

  #bound(windows: Loss[]): void {
    if (windows.length <= this.#options.maxWindows) return;
    // Two windows and what lies between them: rather too much doubt than too little.
    const [oldest, next] = windows.splice(0, 2);
    if (oldest !== undefined && next !== undefined) windows.unshift(joined(oldest, next));
  }

  #prune(nowKtimeNs: bigint): void {
    const { maxContainers = 1024, keepNs = tenMinutesNs } = this.#options;
    for (const [key, windows] of this.#windows) {
      const kept = windows.filter(({ toKtimeNs }) => toKtimeNs + keepNs >= nowKtimeNs);
      if (kept.length === 0) this.#windows.delete(key);
      else if (kept.length < windows.length) this.#windows.set(key, kept);
    }
    while (this.#windows.size > maxContainers) {
      const [key, windows] = [...this.#windows].find(([each]) => each !== theNode) ?? [];
      if (key === undefined) return;
      this.#windows.delete(key);
      const whole = this.#windows.get(theNode) ?? [];
      this.#windows.set(theNode, whole);
      for (const window of windows ?? []) {
        add(whole, { ...window, containerId: undefined });
        this.#bound(whole);
      }
    }
  }
}

/** A loss of the same kind that goes on belongs to the window that is there. */
function add(windows: Loss[], loss: Loss): void {
  const last = windows.findLast(
    ({ hop, type, reason }) => hop === loss.hop && type === loss.type && reason === loss.reason,
  );
  if (last === undefined || loss.fromKtimeNs > last.toKtimeNs) {
    windows.push({ ...loss });
    return;
  }
  last.count += loss.count;
  if (loss.toKtimeNs > last.toKtimeNs) last.toKtimeNs = loss.toKtimeNs;
  if (loss.fromKtimeNs < last.fromKtimeNs) last.fromKtimeNs = loss.fromKtimeNs;
}

function joined(first: Loss, second: Loss): Loss {
  const same = (field: 'hop' | 'type' | 'reason'): string =>
    first[field] === second[field] ? first[field] : 'several';
  return {
    ...{ hop: same('hop'), type: same('type'), reason: same('reason') },
    count: first.count + second.count,
    fromKtimeNs: first.fromKtimeNs < second.fromKtimeNs ? first.fromKtimeNs : second.fromKtimeNs,
    toKtimeNs: first.toKtimeNs > second.toKtimeNs ? first.toKtimeNs : second.toKtimeNs,
    containerId: first.containerId,
  };
}
