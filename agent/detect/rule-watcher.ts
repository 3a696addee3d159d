import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isRuleFileName } from './rule-files.ts';

export interface RuleWatcherOptions {
  directories: readonly string[];
  onChange(): void;
  /** Default 2 s. */
  intervalMs?: number;
}

const defaultIntervalMs = 2_000;

/**
 * Tells that rule files have changed, once they have stopped changing: what is half written is not read. It looks at names,
 * sizes and times instead of waiting for the kernel to tell, which works for every file system and for the symbolic links
 * that Kubernetes swaps.
 */
export class RuleWatcher {
  readonly #options: RuleWatcherOptions;
  readonly #timer: NodeJS.Timeout;
  #known: string | undefined;
  #pending: string | undefined;
  #looking: Promise<void>;

  constructor(options: RuleWatcherOptions) {
    this.#options = options;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, options.intervalMs ?? defaultIntervalMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const seen = await fingerprint(this.#options.directories);
    this.#known ??= seen;
    const isSettled = seen === this.#pending;
    this.#pending = seen;
    if (seen === this.#known || !isSettled) return;
    this.#known = seen;
    this.#options.onChange();
  }
}

/** A text that differs when a rule file of the directories has changed, come or gone. */
async function fingerprint(directories: readonly string[]): Promise<string> {
  const files = await Promise.all(
    directories.map(async (directory) => {
      const names = await readdir(directory).catch(() => []);
      return names.filter(isRuleFileName).map((name) => path.join(directory, name));
    }),
  );
  const lines = await Promise.all(
    files.flat().map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => undefined);
      return found === undefined ? `${file} unreadable` : `${file} ${found.ino} ${found.size} ${found.mtimeNs}`;
    }),
  );
  return lines.sort().join('\n');
}
