import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { growingLru } from '../../common/lru.ts';
import type { Container } from './container.ts';
import type { ContainerRuntime } from './runtime.ts';

export interface ContainerResolverOptions {
  runtimes: readonly ContainerRuntime[];
  logger: Logger;
  onFound: (container: Container) => void;
  /** Every runtime has answered that it does not have this container. */
  onAbsent: (containerId: string) => void;
  nowMs: () => number;
}

const maxRemembered = 8192;
const maxUnderway = 1024;
const retryFailedMs = 1000;
/** Well within the time for which events wait: CRI runtimes list a sandbox only once it has been started. */
const firstRetryAbsentMs = 200;
const lastRetryAbsentMs = 60_000;

interface Attempt {
  absent: boolean;
  /** How long to wait before the next question. */
  delayMs: number;
  nextAtMs: number;
}

/**
 * Asks the runtimes for containers of which only the id is known. An answer "no such container" counts as absent but is
 * asked again ever more rarely, because runtimes learn of their containers at different times; a runtime that cannot be
 * asked leaves the question open.
 */
export class ContainerResolver {
  readonly #options: ContainerResolverOptions;
  readonly #underway = new Set<string>();
  readonly #attempts = growingLru<string, Attempt>(maxRemembered);
  readonly #failures: Episode;

  constructor(options: ContainerResolverOptions) {
    this.#options = options;
    this.#failures = new Episode(options.logger, 'look-up of unknown containers');
  }

  isAbsent(containerId: string): boolean {
    return this.#attempts.get(containerId)?.absent === true;
  }

  /** Asks soon, unless that is under way or was done too recently. */
  request(containerId: string): void {
    const attempt = this.#attempts.get(containerId);
    if (attempt !== undefined && attempt.nextAtMs > this.#options.nowMs()) return;
    if (this.#underway.has(containerId) || this.#underway.size >= maxUnderway) return;
    this.#underway.add(containerId);
    void this.#resolve(containerId, attempt);
  }

  async #resolve(containerId: string, before: Attempt | undefined): Promise<void> {
    const answers = await Promise.allSettled(this.#options.runtimes.map((runtime) => runtime.inspect(containerId)));
    this.#underway.delete(containerId);
    for (const answer of answers) {
      if (answer.status === 'rejected' || answer.value === undefined) continue;
      this.#attempts.delete(containerId);
      this.#failures.recovered();
      this.#options.onFound(answer.value);
      return;
    }
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) this.#failures.failed(errorText(failed.reason));
    const absent = failed === undefined || before?.absent === true;
    const delayMs = failed === undefined ? nextAbsentDelayMs(before) : retryFailedMs;
    this.#attempts.set(containerId, { absent, delayMs, nextAtMs: this.#options.nowMs() + delayMs });
    if (absent) this.#options.onAbsent(containerId);
  }
}

function nextAbsentDelayMs(before: Attempt | undefined): number {
  return before?.absent === true ? Math.min(lastRetryAbsentMs, before.delayMs * 2) : firstRetryAbsentMs;
}
