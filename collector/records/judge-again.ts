import type { Papers } from './papers.ts';
import type { VulnerabilityChange } from './vulnerability/vulnerabilities.ts';

export interface JudgeAgainOptions {
  /** Papers of the images that are known. */
  known: () => Iterable<[key: string, papers: Papers]>;
  /** Judges one image again. */
  judge: (key: string) => Promise<void>;
  onError: (error: unknown) => void;
}

/** Judges images again when vulnerability data changed: one after the other, each once however often it is asked for. */
export class JudgeAgain {
  readonly #options: JudgeAgainOptions;
  readonly #waiting = new Set<string>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: JudgeAgainOptions) {
    this.#options = options;
  }

  changed(change: VulnerabilityChange): void {
    for (const key of this.#keysOf(change)) this.#waiting.add(key);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  #keysOf(change: VulnerabilityChange): Iterable<string> {
    if (Array.isArray(change)) return change as readonly string[];
    const known = [...this.#options.known()];
    if (typeof change !== 'object') return known.map(([key]) => key);
    const { imageKey } = change as { imageKey: string };
    const isOf = ({ identity }: Papers): boolean =>
      [identity.configDigest, identity.manifestDigest, identity.indexDigest].includes(imageKey);
    return known.flatMap(([key, papers]) => (isOf(papers) ? [key] : []));
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    for (const key of this.#waiting) {
      if (this.#closed) return;
      this.#waiting.delete(key);
      try {
        await this.#options.judge(key);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}
