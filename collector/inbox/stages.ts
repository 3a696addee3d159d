import { type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { LRUCache } from 'lru-cache';
import type { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import type { Event, Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { AgentStatus, ContainerUpdate, Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Baselines } from '../baseline/baselines.ts';
import type { Correlator } from '../correlate/correlate.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import type { Alert, CorrelatedFinding, Decision } from '../decide/alert.ts';
import { createAlert } from '../decide/create-alert.ts';
import { severityRank } from '../decide/severity.ts';
import type { InboxItem, Store, StoredGap } from '../store/store.ts';
import { addKnownGaps } from './data-gaps.ts';
import { fallbackDecision } from './fallback-decision.ts';
import type { GapLog } from './gap-log.ts';
import { toStoredObservation } from './observations.ts';
import { isStoreFailure, untilStored } from './until-stored.ts';

export interface StagesOptions {
  store: Store;
  correlator: Pick<Correlator, 'correlate' | 'prefetch'>;
  decide: (correlated: CorrelatedFinding) => Decision;
  cluster: string;
  baselines: StageBaselines;
  gapLog: GapLog;
  storeEpisode: Episode;
  onContainer?: (nodeName: string, container: Container) => void;
  signal: AbortSignal;
  logger: Logger;
  metrics: Metrics;
}

/** Who told of a finding: an agent's item, or the collector itself. */
export type FindingOrigin = Pick<InboxItem, 'node' | 'receivedAtUnixMs'>;

/** What baselines are told of. */
export type StageBaselines = Pick<Baselines, 'learn' | 'flush' | 'alerted'>;

/** Answers without effect until an OpenTelemetry SDK is registered (telemetry.ts). */
const tracer = trace.getTracer('tallyman-collector');

/** What is done with each type of item. Rejects with a store failure only when shutting down. */
export class Stages {
  readonly #options: StagesOptions;
  readonly #decisions;
  readonly #repaired;
  readonly #observationsRefused;
  /** Containers known to be stored, so that not every finding has to look. */
  readonly #stored = new LRUCache<string, true>({ max: 10_000 });

  constructor(options: StagesOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#decisions = metrics.counter('decisions_total', 'Findings decided, by action and severity.', [
      'action',
      'severity',
    ]);
    this.#repaired = metrics.counter('pipeline_repaired_total', 'Findings that went on although a stage failed.', [
      'stage',
    ]);
    this.#observationsRefused = metrics.counter(
      'observations_refused_total',
      'Facts not kept because their container had its fill.',
    );
  }

  /** Teaches the baselines, in the order in which items came. */
  learn(items: readonly InboxItem[]): Promise<void> {
    const { baselines } = this.#options;
    let learned = 0;
    return this.#persist(() => {
      // What has been learned is in memory; only its writing is tried again.
      for (let item = items[learned]; item !== undefined; item = items[++learned]) baselines.learn(item);
      baselines.flush();
    });
  }

  /** What a finding becomes; the publisher knows what to do with decisions that are not to alert. */
  finding(item: FindingOrigin, finding: Finding): Promise<Alert> {
    return inSpan('finding', finding, async (span) => {
      await this.#persist(() => addKnownGaps(finding, item.node.name, this.#options.store));
      await this.#ensureContainer(item, finding.container);
      const correlated = await inSpan('correlate', finding, () => this.#correlate(item, finding));
      const decision = this.#decide(correlated);
      const { action, severity } = decision;
      this.#decisions.inc({ action, severity });
      await this.#persist(() => this.#noteAlert(item, finding, decision));
      span.setAttributes({ 'tallyman.decision.action': action, 'tallyman.alert.severity': severity });
      return createAlert({ cluster: this.#options.cluster, correlated, decision, createdAtUnixMs: Date.now() });
    });
  }

  async containerUpdate(item: InboxItem, { container }: ContainerUpdate): Promise<void> {
    if (container === undefined) return;
    const { store, correlator } = this.#options;
    await this.#persist(() => store.putContainer(item.node.name, container, item.receivedAtUnixMs));
    this.#stored.set(`${item.node.name} ${container.id}`, true);
    await this.#persist(() => this.#options.onContainer?.(item.node.name, container));
    correlator.prefetch(container);
  }

  /** Facts are kept and shown with their container; nothing is concluded from one alone. */
  async observations(items: readonly InboxItem[]): Promise<void> {
    const rows = items.flatMap((item) => {
      const message = item.item.item;
      const row = message?.$case === 'observation' ? toStoredObservation(item, message.value) : undefined;
      return row === undefined ? [] : [row];
    });
    this.#observationsRefused.inc(await this.#persist(() => this.#options.store.putObservations(rows)));
  }

  gap(item: InboxItem, gap: Gap): Promise<void> {
    const { gapLog } = this.#options;
    return this.#persist(() => gapLog.add({ nodeName: item.node.name, gap, receivedAtUnixMs: item.receivedAtUnixMs }));
  }

  agentStatus(item: InboxItem, status: AgentStatus): Promise<void> {
    const { store } = this.#options;
    return this.#persist(() => store.putNode(item.node, item.agentId, status, item.receivedAtUnixMs));
  }

  /**
   * False: the store failed while shutting down, the items stay in the inbox. True: they can never be worked off, which is
   * logged and told as a gap, so that they do not come back with every start.
   */
  giveUp(items: readonly InboxItem[], thrown: unknown): boolean {
    if (isStoreFailure(thrown)) return false;
    const reason = errorText(thrown);
    this.#options.logger.error({ err: thrown, items: items.length }, 'items could not be worked off');
    for (const { node, receivedAtUnixMs, item } of items) {
      const atUnixNs = BigInt(receivedAtUnixMs) * 1_000_000n;
      const container = item.item?.$case === 'finding' ? item.item.value.container?.id : undefined;
      const gap: Gap = {
        hop: 'publish',
        type: item.item?.$case === 'finding' ? 'finding' : 'other',
        reason,
        count: 1n,
        fromUnixNs: atUnixNs,
        toUnixNs: atUnixNs,
        containerIds: container === undefined ? [] : [container],
        ...{ ongoing: false, totalCount: 0n },
      };
      this.#keepGap({ nodeName: node.name, gap, receivedAtUnixMs });
    }
    return true;
  }

  #keepGap(gap: StoredGap): void {
    try {
      this.#options.gapLog.add(gap);
    } catch (thrown) {
      this.#options.logger.error({ err: thrown, reason: gap.gap.reason }, 'a gap could not be stored');
    }
  }

  /** An alert names its container, so the container must be known even if its own report was lost. */
  async #ensureContainer(item: FindingOrigin, container: Container | undefined): Promise<void> {
    const key = `${item.node.name} ${container?.id}`;
    if (container === undefined || this.#stored.has(key)) return;
    const { store } = this.#options;
    await this.#persist(() => {
      const known = store.findContainers(container.id, 16);
      if (known.some((one) => one.nodeName === item.node.name && one.container.id === container.id)) return;
      store.putContainer(item.node.name, container, item.receivedAtUnixMs);
    });
    this.#stored.set(key, true);
  }

  async #correlate(item: FindingOrigin, finding: Finding): Promise<CorrelatedFinding> {
    const { correlator, logger } = this.#options;
    const { node, receivedAtUnixMs } = item;
    try {
      return await correlator.correlate(finding, node, receivedAtUnixMs);
    } catch (thrown) {
      this.#repaired.inc({ stage: 'correlate' });
      logger.error({ err: thrown, findingId: finding.findingId }, 'papers could not be joined with a finding');
      const papers = unknownPapers(imageQueryOf(finding.container), errorText(thrown), Date.now());
      return { finding, node, receivedAtUnixMs, papers, ownership: undefined };
    }
  }

  /** How a container was started, and what its image is, says nothing about what it does at the moment. */
  #noteAlert({ node }: FindingOrigin, { container, event, ruleId }: Finding, { action, severity }: Decision): void {
    if (action !== 'alert' || severityRank(severity) < severityRank('medium')) return;
    if (container === undefined || event === undefined || !isOfEvent(event)) return;
    const atUnixMs = Number(event.timeUnixNs / 1_000_000n);
    this.#options.baselines.alerted({ nodeName: node.name, containerId: container.id, ruleId, atUnixMs });
  }

  #decide(correlated: CorrelatedFinding): Decision {
    try {
      return this.#options.decide(correlated);
    } catch (thrown) {
      this.#repaired.inc({ stage: 'decide' });
      const { findingId } = correlated.finding;
      this.#options.logger.error({ err: thrown, findingId }, 'the policy could not be applied to a finding');
      return fallbackDecision(correlated, errorText(thrown));
    }
  }

  #persist<T>(work: () => T): Promise<T> {
    return untilStored(work, this.#options.storeEpisode, this.#options.signal);
  }
}

function isOfEvent({ evidence }: Event): boolean {
  return evidence?.$case !== 'posture' && evidence?.$case !== 'image';
}

function inSpan<T>(name: string, finding: Finding, work: (span: Span) => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, { attributes: { 'tallyman.rule.id': finding.ruleId } }, async (span) => {
    try {
      return await work(span);
    } catch (thrown) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: errorText(thrown) });
      throw thrown;
    } finally {
      span.end();
    }
  });
}
