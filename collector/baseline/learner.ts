import { baselineIdOf, baselineKeyOf } from '../../common/baseline-key.ts';
import type { Logger } from '../../common/logger.ts';
import { type Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import type { Gap, Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import type { InboxItem } from '../store/store.ts';
import { isInAlert, refusalNote } from './alerts.ts';
import type { BaselineBook } from './baseline-book.ts';
import { containerKey } from './baseline-book.ts';
import type { BaselineMetrics } from './baseline-metrics.ts';
import { isCovered } from './covers.ts';
import { type BaselineFact, factKeyOf, factsOf, programOf } from './fact.ts';
import type { BaselineContainer, FactRecord } from './fact-record.ts';
import { gapTextOf, isLearningLoss } from './gaps.ts';
import { type BaselineHead, isOpen, newHead } from './head.ts';
import { inheritedBaseline } from './inherit.ts';
import { LearnedFacts } from './learned-facts.ts';
import { maxBaselines } from './options.ts';

export interface LearnerOptions {
  book: BaselineBook;
  minObservedMs: number;
  /** Facts of a container that was not known when they came. */
  earlierObservations(nodeName: string, containerId: string): Observation[];
  /** What agents are told of a baseline may have changed. */
  changed(baselineId: string): void;
  metrics: BaselineMetrics;
  logger: Logger;
}

/** An agent's hooks are attached so long after it started, at most. */
const agentStartNs = 2_000_000_000n;
const maxContainers = 50_000;

/** Learns from what agents send, item by item, in memory; the book writes it. */
export class Learner {
  readonly #options: LearnerOptions;

  constructor(options: LearnerOptions) {
    this.#options = options;
  }

  /** @throws {CodedError} of the store, of which facts are read. */
  take(item: InboxItem): void {
    const message = item.item.item;
    if (message?.$case === 'observation') this.#observation(item, message.value);
    else if (message?.$case === 'containerUpdate' && message.value.container !== undefined)
      this.container(item.node.name, message.value.container, item.agentEpochUnixNs, item.receivedAtUnixMs);
    else if (message?.$case === 'gap') this.#gap(item.node.name, message.value, item.receivedAtUnixMs);
  }

  /** `agentEpochUnixNs`: when the agent started; what started before it was not seen from its start. Undefined: not known. */
  container(nodeName: string, container: Container, agentEpochUnixNs: bigint | undefined, nowUnixMs: number): void {
    const answer = baselineKeyOf(container);
    const { book, metrics } = this.#options;
    const known = book.containers.get(containerKey(nodeName, container.id));
    if ('none' in answer) {
      // What an event alone told of a container has no digest; the runtime's own answer stands.
      if (known !== undefined) this.#updateContainer(known, container, agentEpochUnixNs, nowUnixMs);
      else metrics.containersWithout.inc();
      return;
    }
    const head = this.#headFor(answer.key, container, nowUnixMs);
    if (head === undefined) return;
    if (known === undefined && book.containers.size >= maxContainers) {
      metrics.refused.inc({ what: 'container' });
      return;
    }
    const blank = { nodeName, containerId: container.id, running: false, startedUnixNs: 0n, fromStart: false };
    const alert = { alertFromUnixMs: 0, alertUntilUnixMs: 0, alertRuleId: '' };
    const one = known ?? { ...blank, ...alert, baselineId: head.id, updatedAtUnixMs: nowUnixMs };
    if (one.baselineId !== head.id) {
      // More is known of its image than before.
      this.#options.changed(one.baselineId);
      this.#options.changed(head.id);
      one.baselineId = head.id;
    }
    this.#updateContainer(one, container, agentEpochUnixNs, nowUnixMs);
    if (known !== undefined) return;
    for (const observation of this.#options.earlierObservations(nodeName, container.id))
      this.#learn(head, one, observation, 0);
  }

  #updateContainer(one: BaselineContainer, container: Container, epoch: bigint | undefined, nowUnixMs: number): void {
    const { book } = this.#options;
    const { startedUnixNs, state } = container;
    const running = state === ContainerState.RUNNING;
    const isRestart = startedUnixNs !== 0n && startedUnixNs !== one.startedUnixNs;
    if (isRestart || one.running !== running) this.#options.changed(one.baselineId);
    one.running = running;
    one.updatedAtUnixMs = nowUnixMs;
    const head = book.heads.get(one.baselineId);
    if (isRestart && head !== undefined) {
      const wasCounted = one.fromStart;
      one.startedUnixNs = startedUnixNs;
      one.fromStart = epoch !== undefined && startedUnixNs >= epoch + agentStartNs;
      if (one.fromStart && !wasCounted) {
        head.containers++;
        book.headChanged(head.id);
      }
    }
    book.putContainer(one);
  }

  #headFor(key: BaselineHead['key'], container: Container, nowUnixMs: number): BaselineHead | undefined {
    const { book, metrics, logger } = this.#options;
    const known = book.heads.get(baselineIdOf(key));
    if (known !== undefined) {
      known.image ??= imageQueryOf(container);
      return known;
    }
    if (book.heads.size >= maxBaselines) {
      metrics.refused.inc({ what: 'baseline' });
      return undefined;
    }
    const head = { ...newHead(key, nowUnixMs), image: imageQueryOf(container) };
    const facts = inheritedBaseline(head, book, this.#options.minObservedMs) ?? new LearnedFacts();
    book.addBaseline(head, facts);
    this.#options.changed(head.id);
    logger.info({ ...key, inheritedFrom: head.inheritedFrom }, 'new baseline');
    return head;
  }

  #observation({ node, inboxId }: InboxItem, observation: Observation): void {
    const { book, metrics } = this.#options;
    const one = book.containers.get(containerKey(node.name, observation.containerId));
    const head = one === undefined ? undefined : book.heads.get(one.baselineId);
    // Until its container is known it waits with the other observations.
    if (one === undefined || head === undefined) metrics.facts.inc({ result: 'unknown-container' });
    else this.#learn(head, one, observation, inboxId);
  }

  #learn(head: BaselineHead, one: BaselineContainer, observation: Observation, inboxId: number): void {
    const seenUnixMs = Number(observation.firstSeenUnixNs / 1_000_000n);
    for (const fact of factsOf(observation)) {
      const facts = this.#options.book.factsOf(head.id);
      const kept = facts.generalise(fact);
      if (kept === undefined) continue;
      const record = facts.records.get(factKeyOf(kept));
      if (record === undefined) this.#addFact(head, facts, one, kept, { seenUnixMs, inboxId });
      else if (inboxId > record.lastInboxId) this.#countFact(head, facts, one, record, { seenUnixMs, inboxId });
    }
  }

  #addFact(
    head: BaselineHead,
    facts: LearnedFacts,
    one: BaselineContainer,
    fact: BaselineFact,
    { seenUnixMs, inboxId }: { seenUnixMs: number; inboxId: number },
  ): void {
    const { book, metrics } = this.#options;
    const key = factKeyOf(fact);
    const mayLearn = mayBeLearned(head, facts, fact);
    if (!mayLearn && isCovered(fact, facts.records)) return;
    const status = !mayLearn ? 'candidate' : isInAlert(one, seenUnixMs) ? 'refused' : 'learned';
    if (!facts.hasRoom(status, fact, key)) {
      if (status === 'learned') head.overflow[fact.kind] = (head.overflow[fact.kind] ?? 0) + 1;
      else head.unlearnedOverflow++;
      book.headCounted(head.id);
      metrics.facts.inc({ result: 'beyond-bound' });
      if (status === 'learned') this.#options.changed(head.id);
      return;
    }
    const note = status === 'refused' ? refusalNote(one) : '';
    const times = { firstSeenUnixMs: seenUnixMs, lastSeenUnixMs: seenUnixMs, lastInboxId: inboxId };
    if (status === 'learned') this.#noteNews(head, facts, fact);
    facts.add({ key, fact, status, reports: 1, ...times, containerId: one.containerId, note });
    book.factChanged(head.id, key);
    metrics.facts.inc({ result: status });
  }

  #countFact(
    head: BaselineHead,
    facts: LearnedFacts,
    one: BaselineContainer,
    record: FactRecord,
    { seenUnixMs, inboxId }: { seenUnixMs: number; inboxId: number },
  ): void {
    const { book } = this.#options;
    record.reports++;
    record.lastInboxId = inboxId;
    record.lastSeenUnixMs = Math.max(record.lastSeenUnixMs, seenUnixMs);
    if (record.firstSeenUnixMs === 0) record.firstSeenUnixMs = seenUnixMs;
    book.factCounted(head.id, record.key);
    if (record.status === 'learned' || isInAlert(one, seenUnixMs)) return;
    if (!mayBeLearned(head, facts, record.fact) || !facts.hasRoom('learned', record.fact, record.key)) return;
    this.#noteNews(head, facts, record.fact);
    facts.setStatus(record, 'learned');
    record.note = '';
    book.factChanged(head.id, record.key);
  }

  #noteNews(head: BaselineHead, facts: LearnedFacts, fact: BaselineFact): void {
    head.newestAtObservedMs = head.observedMs;
    // It stays open: agents no longer take it for new once it is listed.
    const program = programOf(fact);
    if (head.learned && fact.kind === 'executable' && !facts.hasPath(program) && !head.openPaths.includes(program))
      head.openPaths.push(program);
    this.#options.book.headChanged(head.id);
    this.#options.changed(head.id);
  }

  #gap(nodeName: string, gap: Gap, nowUnixMs: number): void {
    if (!isLearningLoss(gap)) return;
    const { book } = this.#options;
    for (const id of this.#concernedBy(nodeName, gap)) {
      const head = book.heads.get(id);
      if (head === undefined || head.frozen || (head.learned && !isOpen(head))) continue;
      head.gap = { text: gapTextOf(gap, nodeName), atUnixMs: nowUnixMs, atObservedMs: head.observedMs };
      book.headChanged(id);
      this.#options.changed(id);
    }
  }

  /** Where it is not known whose it was, all that runs on the node. */
  #concernedBy(nodeName: string, { containerIds }: Gap): Set<string> {
    const { containers } = this.#options.book;
    const named = containerIds.flatMap((id) => containers.get(containerKey(nodeName, id)) ?? []);
    const isOfNode = (one: BaselineContainer): boolean => one.running && one.nodeName === nodeName;
    const concerned = containerIds.length > 0 ? named : [...containers.values()].filter(isOfNode);
    return new Set(concerned.map(({ baselineId }) => baselineId));
  }
}

/** Whether a new fact may become expected without a person saying so. */
function mayBeLearned(head: BaselineHead, facts: LearnedFacts, fact: BaselineFact): boolean {
  if (head.frozen) return false;
  if (!head.learned) return true;
  const program = programOf(fact);
  if (program === '' || !isOpen(head)) return false;
  return head.openPaths.includes(program) || (head.newPathsOpen && !facts.hasPath(program));
}
