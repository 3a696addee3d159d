import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { Container } from '../proto/generated/tallyman/v1/container.ts';
import type { CollectorConfig } from './config.ts';
import { ImageFindings } from './images/image-findings.ts';
import type { Ingest, IngestOptions } from './ingest/server.ts';
import { InventoryAssigner } from './inventory/assigner.ts';
import { documentKey, inventoryMediaType } from './inventory/document.ts';
import { InventoryReceiver } from './inventory/receive.ts';
import type { Pipeline } from './pipeline.ts';
import type { Publisher } from './publish/publisher.ts';
import type { Store } from './store/store.ts';

export interface ImageWatchOptions {
  config: CollectorConfig['inventory'];
  store: Store;
  publisher: Pick<Publisher, 'ended'>;
  /** Asked once all parts are made. */
  ingest: () => Pick<Ingest, 'agents' | 'askInventory'>;
  pipeline: () => Pick<Pipeline, 'submit'>;
  logger: Logger;
  metrics: Metrics;
}

/** What the collector does about images beside their papers: inventories of them, and findings about them. */
export class ImageWatch {
  readonly findings: ImageFindings;
  readonly #assigner: InventoryAssigner;
  readonly #receiver: InventoryReceiver;
  readonly #enabled: boolean;

  constructor(options: ImageWatchOptions) {
    const { config, store, publisher, ingest, pipeline, logger, metrics } = options;
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
      ask: (agentId, request) => ingest().askInventory(agentId, request),
    });
    this.#receiver = new InventoryReceiver({
      ...{ assigner: this.#assigner, logger, metrics },
      keep: async (imageKey, _inventory, document) =>
        store.putDocument(documentKey(imageKey), inventoryMediaType, document),
    });
  }

  /** For the ingest that agents are connected to. */
  get ingestOptions(): Pick<IngestOptions, 'receiveInventory'> {
    return { receiveInventory: this.#receiver.handle };
  }

  /** @throws what the store throws */
  onContainer(nodeName: string, container: Container): void {
    if (this.#enabled) this.#assigner.seen(nodeName, container);
  }

  agentGone(agentId: string): void {
    this.#assigner.agentGone(agentId);
  }

  start(): void {
    if (this.#enabled) this.#assigner.start();
  }

  close(): void {
    this.#assigner.close();
  }
}
