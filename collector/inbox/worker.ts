import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { InboxItem } from '../store/store.ts';
import type { Finisher } from './finisher.ts';
import type { Lanes } from './lanes.ts';
import type { PublishLine } from './publish-line.ts';
import type { Stages } from './stages.ts';

export interface WorkerOptions {
  stages: Stages;
  lanes: Lanes;
  publishLine: PublishLine;
  finisher: Finisher;
  /** Each item taken, once, when nothing more happens to it. */
  done(items: number): void;
  /** Counts items by type and result. */
  count(type: string, result: 'done' | 'failed', items: number): void;
}

/** Takes items through their stages and out of the inbox. */
export class Worker {
  readonly #options: WorkerOptions;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  take(items: readonly InboxItem[]): void {
    const { stages } = this.#options;
    const isObservation = (item: InboxItem): boolean => item.item.item?.$case === 'observation';
    const observations = items.filter(isObservation);
    const kept = observations.length > 0 ? stages.observations(observations) : Promise.resolve();
    const learned = stages.learn(items);
    // Nothing that teaches is done before what it taught is stored.
    if (observations.length > 0) void this.#finish(observations, 'observation', Promise.all([kept, learned]));
    else learned.catch(() => undefined);
    for (const item of items) {
      if (isObservation(item)) continue;
      const teaches = item.item.item?.$case === 'containerUpdate' || item.item.item?.$case === 'gap';
      const work = teaches ? Promise.all([this.#work(item), learned]) : this.#work(item);
      void this.#finish([item], item.item.item?.$case ?? 'unknown', work);
    }
  }

  async #work(item: InboxItem): Promise<void> {
    const { stages, lanes, publishLine } = this.#options;
    const message = item.item.item;
    switch (message?.$case) {
      case 'finding':
        return this.#finding(item, message.value);
      case 'containerUpdate':
        return lanes.run(message.value.container?.id ?? '', () => stages.containerUpdate(item, message.value));
      case 'executionEnded':
        return this.#afterAlerts(message.value.containerId, () => publishLine.executionEnded(message.value));
      case 'findingRepeats':
        return this.#afterAlerts(message.value.containerId, () => publishLine.repeated(message.value));
      case 'gap':
        return stages.gap(item, message.value);
      case 'agentStatus':
        return stages.agentStatus(item, message.value);
      default:
        throw new TypeError(`inbox item ${item.inboxId} is of a kind this version cannot read`);
    }
  }

  /** The lane ends when the alert has its place in the publish line: the next finding need not wait for the disk. */
  async #finding(item: InboxItem, finding: Finding): Promise<void> {
    const { stages, lanes, publishLine } = this.#options;
    let published: Promise<void> | undefined;
    await lanes.run(finding.container?.id ?? `node:${item.node.name}`, async () => {
      published = publishLine.alert(await stages.finding(item, finding));
    });
    await published;
  }

  /** Through the lane and the line, so that it comes after the alerts it belongs to. */
  async #afterAlerts(containerId: string, handOver: () => Promise<void>): Promise<void> {
    let handed: Promise<void> | undefined;
    await this.#options.lanes.run(containerId, async () => {
      handed = handOver();
    });
    await handed;
  }

  async #finish(items: readonly InboxItem[], type: string, result: Promise<unknown>): Promise<void> {
    const { stages, finisher, count, done } = this.#options;
    let isFinished = true;
    try {
      await result;
      count(type, 'done', items.length);
    } catch (thrown) {
      isFinished = stages.giveUp(items, thrown);
      count(type, 'failed', items.length);
    }
    if (isFinished) for (const item of items) finisher.add(item.inboxId);
    done(items.length);
  }
}
