import { Backoff, sleep } from '../../common/backoff.ts';
import { errorText } from '../../common/errors.ts';
import { InventoryEncoder } from '../../common/inventory-document/encode.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { InventoryRequest } from '../../proto/generated/tallyman/v1/inventory.ts';
import { type Container, ContainerState, type Image } from '../container/container.ts';
import { type DeliveryTarget, deliverInventory } from './deliver.ts';
import { imageLayersOf } from './image-layers.ts';
import { type ImageLayer, runInventory } from './inventory.ts';

export interface InventoryServiceOptions extends DeliveryTarget {
  procRoot: string;
  containers(): Container[];
  layerDigests(container: Container): Promise<readonly string[]>;
  logger: Logger;
  metrics: Metrics;
}

/** The collector asks a few at once at most; who asks more is answered that it must wait. */
const maxQueued = 16;
const deliveryAttempts = 4;

type Content = { document: Buffer } | { cannot: string };

/** Takes inventories of images that the collector asks for, one after the other, and sends them to it. */
export class InventoryService {
  readonly #options: InventoryServiceOptions;
  readonly #closing = new AbortController();
  readonly #requests;
  #queue: InventoryRequest[] = [];
  #working: Promise<void> | undefined;

  constructor(options: InventoryServiceOptions) {
    this.#options = options;
    this.#requests = options.metrics.counter(
      'inventories_total',
      'Inventories asked for by the collector, by result.',
      ['result'],
    );
  }

  /** Returns at once. What it was asked already is not done twice. */
  request(request: InventoryRequest): void {
    if (this.#closing.signal.aborted) return;
    if (this.#queue.some(({ imageDigest }) => imageDigest === request.imageDigest)) return;
    if (this.#queue.length >= maxQueued) {
      this.#requests.inc({ result: 'refused' });
      void this.#deliver(request, { cannot: `${maxQueued} inventories are waiting already` });
      return;
    }
    this.#queue.push(request);
    this.#working ??= this.#work();
  }

  /** Ends the one that is being taken; the collector asks again. */
  async close(): Promise<void> {
    this.#queue = [];
    this.#closing.abort(new Error('the agent is closing'));
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const content = await this.#take(next);
      if (this.#closing.signal.aborted) break;
      this.#requests.inc({ result: 'document' in content ? 'taken' : 'cannot' });
      await this.#deliver(next, content);
      this.#queue.shift();
    }
    this.#working = undefined;
  }

  async #take({ imageDigest, containerId }: InventoryRequest): Promise<Content> {
    try {
      const container = this.#containerOf(imageDigest, containerId);
      if (container === undefined) return { cannot: `no container of ${imageDigest} runs on this node` };
      const found = await imageLayersOf(container, this.#options);
      return 'cannot' in found ? found : { document: await this.#document(found.layers) };
    } catch (error) {
      const reason = errorText(error);
      if (!this.#closing.signal.aborted)
        this.#options.logger.warn({ err: error, imageDigest }, `an inventory could not be taken: ${reason}`);
      return { cannot: reason };
    }
  }

  #containerOf(imageDigest: string, containerId: string): Container | undefined {
    const fitting = this.#options
      .containers()
      .filter(({ state, image }) => state === ContainerState.RUNNING && isImage(image, imageDigest));
    return fitting.find(({ id }) => id === containerId) ?? fitting[0];
  }

  async #document(layers: readonly ImageLayer[]): Promise<Buffer> {
    const encoder = new InventoryEncoder(layers.map(({ digest }) => digest));
    try {
      const inventory = await runInventory({
        layers,
        onFiles: (files) => encoder.addFiles(files),
        signal: this.#closing.signal,
      });
      return await encoder.finish(inventory);
    } finally {
      encoder.close();
    }
  }

  /** A collector that restarts forgets what it had received, and asks again: what cannot be delivered is dropped here. */
  async #deliver({ requestId, imageDigest }: InventoryRequest, content: Content): Promise<void> {
    const { logger } = this.#options;
    const backoff = new Backoff({ initialMs: 500, maxMs: 30_000 });
    for (let attempt = 1; attempt <= deliveryAttempts && !this.#closing.signal.aborted; attempt++) {
      try {
        const { accepted, reason } = await deliverInventory(this.#options, { requestId, imageDigest }, content);
        if (!accepted) logger.warn({ imageDigest, reason }, 'the collector does not take an inventory');
        return;
      } catch (error) {
        logger.debug({ imageDigest, attempt, reason: errorText(error) }, 'an inventory could not be delivered');
        await sleep(backoff.nextDelayMs(), this.#closing.signal);
      }
    }
    this.#requests.inc({ result: 'undelivered' });
  }
}

function isImage(image: Image | undefined, digest: string): boolean {
  if (image === undefined || digest === '') return false;
  const { configDigest, targetDigest, repoDigests } = image;
  if (configDigest !== '') return configDigest === digest;
  return targetDigest === digest || repoDigests.some((name) => name.endsWith(`@${digest}`));
}
