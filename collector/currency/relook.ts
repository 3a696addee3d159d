import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { type Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import { imageKeyOf } from '../images/image-key.ts';
import type { ImageQuery, Records } from '../records/papers.ts';
import { parseReference } from '../records/registry/reference.ts';
import type { Store } from '../store/store.ts';

export interface RelookOptions {
  store: Pick<Store, 'listContainers'>;
  records: Pick<Records, 'lookup'>;
  /** How often it is looked which images are due; 250 ms. */
  tickMs?: number;
  logger: Logger;
  metrics: Metrics;
  now?: () => number;
}

interface Running {
  query: ImageQuery;
  /** Ids. */
  containers: Set<string>;
  dueAtUnixMs: number;
  checkedAtUnixMs: number;
  isLooking: boolean;
}

/** Looks at once, so that prefetching for new containers finds free places among the look-ups. */
const maxAtOnce = 2;
/** Between two look-ups that begin at one host. */
const hostPauseMs = 250;
const resyncMs = 10 * 60_000;
const retryMs = 60_000;
/** The part of an answer's life that is added at random: images that were pushed together are not asked for together. */
const jitter = 0.2;

/** Looks for the papers of images that run, again and again: each when its answer is no longer fresh. */
export class Relook {
  readonly #options: RelookOptions;
  readonly #now: () => number;
  readonly #images = new Map<string, Running>();
  readonly #hostFreeAt = new Map<string, number>();
  readonly #looks;
  readonly #gauges;
  #timer: NodeJS.Timeout | undefined;
  #looking = 0;
  #resyncAtUnixMs = 0;

  constructor(options: RelookOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#looks = metrics.counter('relooks_total', 'Images that run and were looked up again, by result.', ['result']);
    this.#gauges = {
      images: metrics.gauge('relook_images', 'Images that run and whose papers are looked for again.'),
      due: metrics.gauge('relook_due_images', 'Of those, how many wait for their turn.'),
      oldest: metrics.gauge('papers_oldest_seconds', 'Age of the oldest papers among the images that run.'),
    };
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), this.#options.tickMs ?? 250).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A container was reported. */
  containerSeen(container: Container): void {
    const query = imageQueryOf(container);
    const key = query === undefined ? undefined : imageKeyOf(query);
    if (query === undefined || key === undefined || container.sandbox) return;
    const { id } = container;
    const known = this.#images.get(key);
    if (container.state === ContainerState.EXITED) {
      known?.containers.delete(id);
      if (known?.containers.size === 0) this.#images.delete(key);
    } else if (known !== undefined) known.containers.add(id);
    else
      this.#images.set(key, {
        ...{ query, containers: new Set([id]), isLooking: false },
        // Its first look-up has been started by whoever reported it; how fresh the answer is, is asked for soon.
        dueAtUnixMs: this.#now() + Math.random() * 5_000,
        checkedAtUnixMs: this.#now(),
      });
  }

  #tick(): void {
    const now = this.#now();
    // Also when the clock was set back.
    if (now >= this.#resyncAtUnixMs || now < this.#resyncAtUnixMs - resyncMs) this.#resync(now);
    const due = [...this.#images.values()].filter(
      ({ dueAtUnixMs, isLooking, checkedAtUnixMs }) =>
        !isLooking && (dueAtUnixMs <= now || checkedAtUnixMs > now + 1_000),
    );
    due.sort((a, b) => a.dueAtUnixMs - b.dueAtUnixMs);
    for (const image of due) {
      if (this.#looking >= maxAtOnce) break;
      if (this.#takeHost(hostOf(image.query), now)) void this.#look(image);
    }
    this.#measure(now, due.length);
  }

  async #look(image: Running): Promise<void> {
    this.#looking++;
    image.isLooking = true;
    try {
      const { papers } = await this.#options.records.lookup(image.query);
      const result = papers.signature.outcome === 'unknown' ? 'unknown' : 'looked';
      this.#looks.inc({ result });
      image.checkedAtUnixMs = papers.checkedAtUnixMs;
      const pauseMs = papers.freshForMs === 0 ? retryMs : papers.freshForMs;
      image.dueAtUnixMs = papers.checkedAtUnixMs + pauseMs * (1 + Math.random() * jitter);
    } catch (error) {
      this.#looks.inc({ result: 'failed' });
      this.#options.logger.error({ reason: errorText(error) }, 'looking for the papers of an image again failed');
      image.dueAtUnixMs = this.#now() + retryMs;
    } finally {
      image.isLooking = false;
      this.#looking--;
    }
  }

  /** Containers whose end was never told, as of a node that is gone, are not asked for for ever. */
  #resync(now: number): void {
    this.#resyncAtUnixMs = now + resyncMs;
    for (const image of this.#images.values()) image.containers.clear();
    try {
      for (const { container } of this.#options.store.listContainers()) this.containerSeen(container);
    } catch (error) {
      this.#options.logger.error({ reason: errorText(error) }, 'the containers that run could not be read');
      return;
    }
    for (const [key, { containers }] of this.#images) if (containers.size === 0) this.#images.delete(key);
  }

  #takeHost(host: string, now: number): boolean {
    const freeAt = this.#hostFreeAt.get(host) ?? 0;
    if (freeAt > now && freeAt <= now + hostPauseMs) return false;
    if (this.#hostFreeAt.size >= 1_000) this.#hostFreeAt.clear();
    this.#hostFreeAt.set(host, now + hostPauseMs);
    return true;
  }

  #measure(now: number, due: number): void {
    this.#gauges.images.set(this.#images.size);
    this.#gauges.due.set(due);
    let oldest = now;
    for (const { checkedAtUnixMs } of this.#images.values()) oldest = Math.min(oldest, checkedAtUnixMs);
    this.#gauges.oldest.set((now - oldest) / 1000);
  }
}

function hostOf({ repoDigests, reference }: ImageQuery): string {
  try {
    return parseReference(repoDigests[0] ?? reference).registry;
  } catch {
    return '';
  }
}
