import { sleep } from '../../common/backoff.ts';
import type { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { InboxItem, Store } from '../store/store.ts';

export interface InboxReaderOptions {
  store: Pick<Store, 'readInbox'>;
  /** Only urgent items, or only the others. */
  urgent: boolean;
  /** Items read per look. */
  chunkItems: number;
  /** Items handed out and not yet done. */
  maxOutstanding: number;
  episode: Episode;
  /** Starts work on a chunk, oldest first; each item is reported to `done` once. */
  take(items: readonly InboxItem[]): void;
}

/** Hands out what is in the inbox, each item once, never more than the bound; sleeps while there is nothing. */
export class InboxReader {
  readonly #options: InboxReaderOptions;
  readonly #stopping = new AbortController();
  #lastInboxId = 0;
  #outstanding = 0;
  #awake = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: InboxReaderOptions) {
    this.#options = options;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something was stored. */
  wake(): void {
    this.#awake.abort();
  }

  done(items: number): void {
    this.#outstanding -= items;
    this.wake();
  }

  /** Stops handing out; what was handed out goes on. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // Renewed before looking: a wake between the look and the sleep is not lost.
      this.#awake = new AbortController();
      const items = this.#read();
      if (items.length > 0) {
        this.#outstanding += items.length;
        this.#lastInboxId = items.at(-1)?.inboxId ?? this.#lastInboxId;
        this.#options.take(items);
        // Gives the event loop, which receives and publishes, its turn between chunks.
        await new Promise((resolve) => setImmediate(resolve));
      } else await sleep(1_000, this.#awake.signal);
    }
  }

  #read(): InboxItem[] {
    const room = Math.min(this.#options.chunkItems, this.#options.maxOutstanding - this.#outstanding);
    if (room <= 0) return [];
    try {
      const items = this.#options.store.readInbox(this.#lastInboxId, room, this.#options.urgent);
      this.#options.episode.recovered();
      return items;
    } catch (thrown) {
      this.#options.episode.failed(errorText(thrown));
      return [];
    }
  }
}
