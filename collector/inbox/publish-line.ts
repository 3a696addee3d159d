import type { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { ExecutionEnded, FindingRepeats } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Alert } from '../decide/alert.ts';
import { isStoreFailure, untilStored } from './until-stored.ts';

/** What the pipeline needs of the publisher. `publish` returns once the alerts are in the outbox. */
export interface AlertPublisher {
  publish(alerts: readonly Alert[]): unknown;
  executionEnded(ended: ExecutionEnded): unknown;
  repeated(repeats: FindingRepeats): unknown;
}

type Entry = { settle: (problem?: Error) => void } & (
  | { alert: Alert }
  | { ended: ExecutionEnded }
  | { repeats: FindingRepeats }
);

export interface PublishLineOptions {
  publisher: AlertPublisher;
  storeEpisode: Episode;
  signal: AbortSignal;
  maxGroup: number;
}

/**
 * The order in which things reach the publisher, which is the order they were added in. Alerts that are ready at the same time
 * are handed over together: one transaction and one sync to disk for all of them.
 */
export class PublishLine {
  readonly #options: PublishLineOptions;
  #entries: Entry[] = [];
  #flushing = false;

  constructor(options: PublishLineOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Resolves when the alert is in the outbox; rejects when it cannot be published at all. */
  alert(alert: Alert): Promise<void> {
    return this.#add((settle) => ({ alert, settle }));
  }

  executionEnded(ended: ExecutionEnded): Promise<void> {
    return this.#add((settle) => ({ ended, settle }));
  }

  /** Resolves when they are kept with their alert. */
  repeated(repeats: FindingRepeats): Promise<void> {
    return this.#add((settle) => ({ repeats, settle }));
  }

  #add(entry: (settle: Entry['settle']) => Entry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#entries.push(entry((problem) => (problem === undefined ? resolve() : reject(problem))));
      if (this.#flushing) return;
      this.#flushing = true;
      setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    while (this.#entries.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#hand(group);
        for (const entry of group) entry.settle();
      } catch (thrown) {
        await this.#handOneByOne(group, thrown);
      }
    }
    this.#flushing = false;
  }

  /** Neighbouring alerts, or one of something else. */
  #takeGroup(): Entry[] {
    const limit = Math.min(this.#entries.length, this.#options.maxGroup);
    let length = 0;
    while (length < limit && 'alert' in (this.#entries[length] as Entry)) length++;
    return this.#entries.splice(0, Math.max(1, length));
  }

  #hand(group: readonly Entry[]): Promise<unknown> {
    const { publisher, storeEpisode, signal } = this.#options;
    // As if the store had failed: the items stay in the inbox for the next start.
    if (signal.aborted) return Promise.reject(new CodedError('store-closing', 'the collector is shutting down'));
    const [first] = group;
    if (first !== undefined && 'ended' in first)
      return untilStored(() => publisher.executionEnded(first.ended), storeEpisode, signal);
    if (first !== undefined && 'repeats' in first)
      return untilStored(() => publisher.repeated(first.repeats), storeEpisode, signal);
    const alerts = group.flatMap((entry) => ('alert' in entry ? [entry.alert] : []));
    return untilStored(() => publisher.publish(alerts), storeEpisode, signal);
  }

  /** One alert that cannot be published must not take its neighbours with it. */
  async #handOneByOne(group: readonly Entry[], thrown: unknown): Promise<void> {
    const alone = group.length === 1 || isStoreFailure(thrown);
    for (const entry of group) {
      try {
        if (alone) throw thrown;
        await this.#hand([entry]);
        entry.settle();
      } catch (problem) {
        entry.settle(problem instanceof Error ? problem : new Error(errorText(problem)));
      }
    }
  }
}
