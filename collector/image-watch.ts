import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { Container } from '../proto/generated/tallyman/v1/container.ts';
import type { CollectorConfig } from './config.ts';
import { ImageFindings } from './images/image-findings.ts';
import { imageKeyOf } from './images/image-key.ts';
import { ImagePlaces } from './images/image-places.ts';
import type { Ingest, IngestOptions } from './ingest/server.ts';
import { InventoryAssigner } from './inventory/assigner.ts';
import { documentKey, keepDocument } from './inventory/document.ts';
import { InventoryReceiver } from './inventory/receive.ts';
import type { Pipeline } from './pipeline.ts';
import type { Publisher } from './publish/publisher.ts';
import type { ContentsStore } from './records/contents/contents-store.ts';
import { contentsOfInventory } from './records/contents/of-inventory.ts';
import type { ImageQuery, Records } from './records/papers.ts';
import type { Store } from './store/store.ts';
import { TruthChecker } from './truth/checker.ts';
import { type ImageTruth, type TruthSources, truthOf } from './truth/image-truth.ts';

export interface ImageWatchOptions {
  config: CollectorConfig['inventory'];
  store: Store;
  records: Pick<Records, 'lookup'>;
  contents: ContentsStore;
  publisher: Pick<Publisher, 'ended'>;
  /** Asked once all parts are made. */
  ingest: () => Pick<Ingest, 'agents' | 'askInventory'>;
  pipeline: () => Pick<Pipeline, 'submit'>;
  /** An inventory was stored. */
  onInventory: (imageKey: string) => void;
  logger: Logger;
  metrics: Metrics;
}

/** What the collector does about images beside their papers: inventories of them, and findings about them. */
export class ImageWatch {
  readonly findings: ImageFindings;
  readonly #assigner: InventoryAssigner;
  readonly #receiver: InventoryReceiver;
  readonly #enabled: boolean;
  readonly #store: Pick<Store, 'listContainers'>;
  readonly #places: ImagePlaces;
  readonly #truth: TruthChecker;
  readonly #sources: TruthSources;
  readonly #records: Pick<Records, 'lookup'>;

  constructor(options: ImageWatchOptions) {
    const { config, store, contents, records, publisher, ingest, pipeline, logger, metrics } = options;
    this.#records = records;
    this.#enabled = config.enabled;
    this.findings = new ImageFindings({
      ...{ store, metrics },
      submit: (node, finding) => pipeline().submit(node, finding),
      ended: (alertId, reason) => publisher.ended(alertId, reason),
    });
    this.#assigner = new InventoryAssigner({
      ...{ store, maxAsked: config.maxAsked, answerMs: config.answerMs, logger, metrics },
      agents: () =>
        ingest()
          .agents()
          .map(({ agentId, node }) => ({ agentId, nodeName: node.name })),
      isKept: (imageKey) =>
        store.hasDocument(documentKey(imageKey)) && contents.get(imageKey, 'inventory') !== undefined,
      ask: (agentId, request) => ingest().askInventory(agentId, request),
    });
    this.#receiver = new InventoryReceiver({
      ...{ assigner: this.#assigner, logger, metrics },
      keep: async (imageKey, inventory, document) => {
        keepDocument(store, imageKey, document);
        await contents.put([imageKey], 'inventory', contentsOfInventory(inventory));
      },
      onKept: (imageKey) => {
        this.#truth.changed(imageKey);
        options.onInventory(imageKey);
      },
    });
    this.#places = new ImagePlaces(store);
    this.#store = store;
    this.#sources = { store, places: this.#places, inventoryOf: (imageKey) => contents.get(imageKey, 'inventory') };
    this.#truth = new TruthChecker({ ...this.#sources, records, findings: this.findings, logger, metrics });
  }

  /** For the ingest that agents are connected to. */
  get ingestOptions(): Pick<IngestOptions, 'receiveInventory'> {
    return { receiveInventory: this.#receiver.handle };
  }

  /** @throws what the store throws */
  onContainer(nodeName: string, container: Container): void {
    if (this.#enabled) this.#assigner.seen(nodeName, container);
    this.#places.seen(nodeName, container);
    this.#truth.seen(container);
  }

  /** Papers of the image were looked up. */
  lookedUp(image: ImageQuery): void {
    const key = imageKeyOf(image);
    if (key !== undefined) this.#truth.changed(key);
  }

  agentGone(agentId: string): void {
    this.#assigner.agentGone(agentId);
  }

  start(): void {
    for (const { nodeName, container } of this.#store.listContainers()) this.onContainer(nodeName, container);
    if (this.#enabled) this.#assigner.start();
    this.#truth.start();
  }

  /** Declared, contained, executed; undefined where nothing but a name is known of the image. */
  async truthOf(image: ImageQuery): Promise<ImageTruth | undefined> {
    const key = imageKeyOf(image);
    return key === undefined ? undefined : truthOf(image, key, await this.#records.lookup(image), this.#sources);
  }

  async close(): Promise<void> {
    this.#assigner.close();
    await this.#truth.close();
  }
}
