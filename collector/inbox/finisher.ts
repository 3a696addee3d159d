import type { Episode } from '../../common/episode.ts';
import type { Store } from '../store/store.ts';
import { untilStored } from './until-stored.ts';

/** Takes items that are done out of the inbox, in groups: one transaction for all that were done in the same turn. */
export class Finisher {
  readonly #store: Pick<Store, 'finishInbox'>;
  readonly #episode: Episode;
  readonly #signal: AbortSignal;
  readonly #finished: () => void;
  #inboxIds: number[] = [];
  #flushing: Promise<void> | undefined;

  constructor(store: Pick<Store, 'finishInbox'>, episode: Episode, signal: AbortSignal, finished: () => void) {
    this.#store = store;
    this.#episode = episode;
    this.#signal = signal;
    this.#finished = finished;
  }

  add(inboxId: number): void {
    this.#inboxIds.push(inboxId);
    this.#flushing ??= new Promise((resolve) => {
      setImmediate(() => resolve(this.#flush()));
    });
  }

  /** Resolves when nothing is left to be taken out. */
  async idle(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#inboxIds.length > 0) {
        const inboxIds = this.#inboxIds;
        this.#inboxIds = [];
        await untilStored(() => this.#store.finishInbox(inboxIds), this.#episode, this.#signal);
        this.#finished();
      }
    } catch {
      // Shutting down with a store that fails: the items are worked on again after the start, alerts are recognised by id.
      this.#inboxIds = [];
    } finally {
      this.#flushing = undefined;
    }
  }
}
