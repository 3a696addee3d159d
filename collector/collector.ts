import { errorText } from '../common/errors.ts';
import { Baselines } from './baseline/baselines.ts';
import { BaselinePush } from './baseline/push.ts';
import { addChecks } from './checks.ts';
import { type CollectorConfig, type CollectorConfigInput, parseCollectorConfig } from './config.ts';
import { type Correlator, createCorrelator } from './correlate/correlate.ts';
import { Currency, type CurrencyOptions } from './currency/currency.ts';
import type { PapersChange } from './currency/paper-changes.ts';
import type { CorrelatedFinding, Decision } from './decide/alert.ts';
import { decide } from './decide/decide.ts';
import { loadDefaultPolicy, loadPolicy, type Policy } from './decide/policy.ts';
import { startHousekeeping } from './housekeeping.ts';
import { ImageWatch, type ImageWatchOptions } from './image-watch.ts';
import { reportExpectations } from './images/expectation-findings.ts';
import { VulnerabilityFindings } from './images/vulnerability-findings.ts';
import { createIngest, type Ingest } from './ingest/server.ts';
import { type OpenRecordsOptions, openRecords } from './open-records.ts';
import { openStore } from './open-store.ts';
import type { CollectorParts } from './parts.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { type AlertListener, createPublisher, type Publisher } from './publish/publisher.ts';
import { Readiness } from './query/readiness.ts';
import { createQueryServer } from './query/server.ts';
import { ContentsStore } from './records/contents/contents-store.ts';
import { type Intake, openIntake } from './records/intake/open-intake.ts';
import type { Uploads } from './records/intake/uploads.ts';
import type { ImageQuery, Papers, Records } from './records/papers.ts';
import type { Vulnerabilities } from './records/vulnerability/vulnerabilities.ts';
import { type CollectorStatus, toStatus } from './status.ts';
import type { Store } from './store/store.ts';
import { startTelemetry } from './telemetry.ts';

export interface Collector {
  /** Throws a CodedError of the part that could not be started; everything started before it is closed again. */
  start(): Promise<void>;
  /** Where agents connect, "host:port"; after start. */
  readonly address: string;
  /** Base of the HTTP API; after start. */
  readonly httpUrl: string;
  readonly readiness: Readiness;
  /** Called for each new alert; returns the way out. */
  subscribeAlerts(listener: AlertListener): () => void;
  status(): CollectorStatus;
  /** Stops taking batches, works off what it can within some seconds, and keeps the rest for the next start. */
  close(): Promise<void>;
}

/** Throws CodedError config-invalid. */
export function createCollector(config: CollectorConfigInput, parts: CollectorParts): Collector {
  return new ComposedCollector(parseCollectorConfig(config), parts);
}

interface Running {
  address: string;
  httpUrl: string;
  publisher: Publisher;
  status: () => CollectorStatus;
}

/** What is known beside what agents tell at the moment. */
interface Known {
  records: Records;
  baselines: Baselines;
  uploads: Uploads;
}

/** What makes a decision of a finding. */
interface Judge {
  correlator: Correlator;
  decide: (correlated: CorrelatedFinding) => Decision;
}

type Closer = () => unknown;

const workOffMs = 3_000;
const publishMs = 5_000;

class ComposedCollector implements Collector {
  readonly readiness: Readiness;
  readonly #config: CollectorConfig;
  readonly #parts: CollectorParts;
  readonly #closers: Closer[] = [];
  #loadedPolicy: Policy | undefined;
  #running: Running | undefined;
  /** Once there is somebody to tell of papers; the first look-ups come after. */
  #currency: Currency | undefined;
  #vulnerabilities: Vulnerabilities | undefined;

  constructor(config: CollectorConfig, parts: CollectorParts) {
    this.#config = config;
    this.#parts = parts;
    this.readiness = parts.readiness ?? new Readiness();
  }

  get address(): string {
    return this.#started().address;
  }

  get httpUrl(): string {
    return this.#started().httpUrl;
  }

  subscribeAlerts(listener: AlertListener): () => void {
    return this.#started().publisher.subscribe(listener);
  }

  status(): CollectorStatus {
    return this.#started().status();
  }

  async start(): Promise<void> {
    try {
      this.#running = await this.#compose();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  /** In reverse order of the start: sources first, the store last. */
  async close(): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (thrown) {
        this.#parts.logger.error({ err: thrown }, `closing a part of the collector failed: ${errorText(thrown)}`);
      }
    }
  }

  /** Wires the collector, downstream first: whatever sends is started after what it sends to. */
  async #compose(): Promise<Running> {
    const { cluster } = this.#config;
    const startedAtUnixMs = Date.now();
    const store = await this.#openStore();
    const publisher = await this.#openPublisher(store);
    const policy = this.#policy();
    const contents = new ContentsStore({ cache: store });
    const intake = this.#openIntake(store);
    const { uploads } = intake;
    const onLookedUp = (image: ImageQuery, papers: Papers): void => {
      images.lookedUp(image);
      reportExpectations(images.findings, image, papers).catch((thrown: unknown) =>
        this.#parts.logger.error({ err: thrown }, `telling what ${image.reference} is not: ${errorText(thrown)}`),
      );
    };
    const records = this.#openRecords({ store, contents, policy, uploads, onLookedUp });
    intake.start(records);
    const baselines = this.#openBaselines(store, records, () => new Set(ingest.agents().map(({ node }) => node.name)));
    const inboxItems = this.#parts.metrics.gauge('inbox_items', 'Items stored and not worked off.');
    const judge = this.#createJudge(records);
    const images = this.#createImageWatch({ store, contents, records, publisher }, () => ({ ingest, pipeline }));
    const pipeline = this.#createPipeline(store, publisher, { baselines, images, ...judge }, () => {
      inboxItems.set(store.inboxSize());
      ingest.inboxDrained();
    });
    const imageFindings = images.findings;
    this.#currency = this.#createCurrency({ store, publisher, records, imageFindings, ...judge });
    const push = new BaselinePush({ baselines, send: (agentId, update) => ingest.tellBaselines(agentId, update) });
    this.#closers.push(() => push.close());
    const ingest = this.#createIngest(store, push, images, () => pipeline.wake());
    baselines.start();
    pipeline.start();
    this.#currency.start();
    addChecks(this.readiness, { ingest, pipeline, publisher, startedAtUnixMs });
    const status = (): CollectorStatus =>
      toStatus({ cluster, startedAtUnixMs, readiness: this.readiness, store, ingest, publisher, pipeline });
    const httpUrl = await this.#startQuery(store, { records, baselines, uploads, images, contents }, status);
    this.#closers.push(() => ingest.close());
    const address = await ingest.start();
    images.start();
    this.#startVulnerabilityFindings(store, records, images);
    return { address, httpUrl, publisher, status };
  }

  #createImageWatch(
    known: Pick<ImageWatchOptions, 'store' | 'contents' | 'records' | 'publisher'>,
    parts: () => { ingest: Ingest; pipeline: Pipeline },
  ): ImageWatch {
    const { logger, metrics } = this.#parts;
    const images = new ImageWatch({
      ...{ ...known, config: this.#config.inventory, logger, metrics },
      ingest: () => parts().ingest,
      pipeline: () => parts().pipeline,
      onInventory: (imageKey) => this.#vulnerabilities?.inventoryArrived(imageKey),
    });
    this.#closers.push(() => images.close());
    return images;
  }

  #createIngest(store: Store, push: BaselinePush, images: ImageWatch, onStored: () => void): Ingest {
    const { uplink } = this.#config;
    const { uplinkCredentials: credentials, logger, metrics } = this.#parts;
    return createIngest({
      listenAddress: uplink.listenAddress,
      insecureUplink: uplink.insecure,
      credentials,
      maxAgents: uplink.maxAgents,
      maxInboxItems: uplink.maxInboxItems,
      store,
      onConnected: ({ node, agentId }) => store.putNode(node, agentId, undefined, Date.now()),
      onStored,
      ...push.events,
      ...images.ingestOptions,
      onDisconnected: (agentId) => {
        push.disconnected(agentId);
        images.agentGone(agentId);
      },
      logger,
      metrics,
    });
  }

  async #openStore(): Promise<Store> {
    const { selfTelemetryEndpoint } = this.#config;
    const { logger, metrics, environment = process.env } = this.#parts;
    const telemetry = await startTelemetry(selfTelemetryEndpoint, environment, logger);
    if (telemetry !== undefined) this.#closers.push(() => telemetry.close());
    const store = openStore(this.#config, { logger, metrics });
    this.#closers.push(() => store.close());
    this.#closers.push(startHousekeeping(store, logger, metrics));
    return store;
  }

  async #openPublisher(store: Store): Promise<Publisher> {
    const { nats, otlp } = this.#config;
    const { logger, metrics } = this.#parts;
    const publisher = await createPublisher({ store, nats, otlp, logger, metrics });
    this.#closers.push(() => publisher.close(publishMs));
    return publisher;
  }

  #openIntake(store: Store): Intake {
    const { logger, metrics } = this.#parts;
    const intake = openIntake(store, { directory: this.#config.papersDirectory, logger, metrics });
    this.#closers.push(() => intake.close());
    return intake;
  }

  #openRecords(options: Pick<OpenRecordsOptions, 'store' | 'contents' | 'policy' | 'uploads' | 'onLookedUp'>): Records {
    if (this.#parts.records !== undefined) return this.#parts.records;
    const { logger, metrics } = this.#parts;
    const { records, vulnerabilities } = openRecords({
      ...{ ...options, config: this.#config, logger, metrics },
      onCompared: (change: PapersChange) => this.#currency?.papersChanged(change),
    });
    this.#closers.push(() => vulnerabilities.close());
    this.#closers.push(() => records.close());
    this.#vulnerabilities = vulnerabilities;
    return records;
  }

  /** Read once, at the start. */
  #policy(): Policy {
    const { policyFile } = this.#config;
    this.#loadedPolicy ??= policyFile === undefined ? loadDefaultPolicy() : loadPolicy(policyFile);
    return this.#loadedPolicy;
  }

  #startVulnerabilityFindings(store: Store, records: Records, { findings }: ImageWatch): void {
    const found = new VulnerabilityFindings({ store, records, findings, logger: this.#parts.logger });
    this.#closers.push(() => found.close());
    found.start();
  }

  #openBaselines(store: Store, records: Records, connectedNodes: () => ReadonlySet<string>): Baselines {
    const { logger, metrics } = this.#parts;
    const baselines = new Baselines({ ...this.#config.baselines, store, records, connectedNodes, logger, metrics });
    this.#closers.push(() => baselines.close());
    return baselines;
  }

  #createJudge(records: Records): Judge {
    const { papersWaitMs } = this.#config;
    const { logger, metrics } = this.#parts;
    const policy = this.#policy();
    const correlator = createCorrelator({ records, papersWaitMs, logger, metrics });
    this.#closers.push(() => correlator.close());
    return { correlator, decide: (correlated) => decide(correlated, policy) };
  }

  #createPipeline(
    store: Store,
    publisher: Publisher,
    { baselines, images, correlator, decide }: Judge & { baselines: Baselines; images: ImageWatch },
    onDrained: () => void,
  ): Pipeline {
    const { cluster } = this.#config;
    const { logger, metrics } = this.#parts;
    const pipeline = createPipeline({
      ...{ store, publisher, cluster, baselines, correlator, decide, onDrained, logger, metrics },
      onContainer: (nodeName, container) => {
        images.onContainer(nodeName, container);
        this.#currency?.containerSeen(container);
      },
    });
    this.#closers.push(() => pipeline.close(workOffMs));
    return pipeline;
  }

  #createCurrency(parts: Omit<CurrencyOptions, 'cluster' | 'logger' | 'metrics'>): Currency {
    const { logger, metrics } = this.#parts;
    const currency = new Currency({ ...parts, cluster: this.#config.cluster, logger, metrics });
    this.#closers.push(() => currency.close());
    return currency;
  }

  async #startQuery(
    store: Store,
    known: Known & { images: ImageWatch; contents: ContentsStore },
    status: () => CollectorStatus,
  ): Promise<string> {
    const { listenAddress, token } = this.#config.http;
    const { logger, metrics, registries = [] } = this.#parts;
    const query = createQueryServer({
      listenAddress,
      token,
      store,
      ...known,
      readiness: this.readiness,
      registries: [metrics.registry, ...registries],
      status,
      logger,
    });
    this.#closers.push(() => query.close());
    return query.start();
  }

  #started(): Running {
    if (this.#running === undefined) throw new Error('the collector has not been started');
    return this.#running;
  }
}
