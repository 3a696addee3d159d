import { setMaxListeners } from 'node:events';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { CorrelatedFinding } from '../decide/alert.ts';
import type { ImageQuery, ImageRecords, Records } from '../records/papers.ts';
import { imageQueryOf } from './image-query.ts';
import { ownershipOf, scriptOwnershipOf } from './ownership.ts';
import { vulnerabilitiesOf } from './package-vulnerabilities.ts';
import { unknownPapers } from './unknown-papers.ts';

export interface CorrelatorOptions {
  records: Records;
  /** How long a finding waits for the papers of its image; 3000. */
  papersWaitMs?: number;
  /** Findings that may wait at once; more go on with what is known. 4096. */
  maxWaiting?: number;
  logger: Logger;
  metrics: Metrics;
  now?: () => number;
}

export interface Correlator {
  /** Never rejects: papers that cannot be had in time are `unknown` with the reason. */
  correlate(finding: Finding, node: Node, receivedAtUnixMs: number): Promise<CorrelatedFinding>;
  /** Starts the look-up of a container's image, so that its papers are there when the first finding comes. */
  prefetch(container: Container): void;
  /** Lets every waiting finding go on with what is known now. */
  close(): void;
}

/** Joins findings with the papers of their image and the package of the acting executable. */
export function createCorrelator(options: CorrelatorOptions): Correlator {
  return new PapersCorrelator(options);
}

interface PendingLookup {
  startedAtMs: number;
  records: Promise<ImageRecords>;
}

class PapersCorrelator implements Correlator {
  readonly #records: Records;
  readonly #papersWaitMs: number;
  readonly #maxWaiting: number;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #outcomes;
  readonly #closing = new AbortController();
  /** Look-ups under way, by image: later findings of one wait only for what is left of the first one's time. */
  readonly #lookups = new Map<string, PendingLookup>();
  #waiting = 0;

  constructor(options: CorrelatorOptions) {
    this.#records = options.records;
    this.#papersWaitMs = options.papersWaitMs ?? 3000;
    this.#maxWaiting = options.maxWaiting ?? 4096;
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    // One listener per waiting finding, bounded by maxWaiting.
    setMaxListeners(0, this.#closing.signal);
    this.#outcomes = options.metrics.counter('correlate_papers_total', 'Findings by how their papers were obtained.', [
      'result',
    ]);
  }

  async correlate(finding: Finding, node: Node, receivedAtUnixMs: number): Promise<CorrelatedFinding> {
    const records = await this.#recordsOf(finding.container);
    const ownership = ownershipOf(finding.processes[0], records);
    const script = scriptOwnershipOf(finding.processes[0], records);
    const vulnerabilities = vulnerabilitiesOf(ownership, records.vulnerabilities);
    return { finding, node, receivedAtUnixMs, papers: records.papers, ownership, script, vulnerabilities };
  }

  prefetch(container: Container): void {
    const query = imageQueryOf(container);
    if (query !== undefined) this.#records.peek(query);
  }

  close(): void {
    this.#closing.abort();
  }

  async #recordsOf(container: Container | undefined): Promise<ImageRecords> {
    const query = imageQueryOf(container);
    if (query === undefined) return this.#unknown(undefined, 'the image of the container is not known', 'no-image');
    const known = this.#records.peek(query);
    if (known !== undefined && this.#now() < known.papers.checkedAtUnixMs + known.papers.freshForMs) {
      this.#outcomes.inc({ result: 'known' });
      return known;
    }
    if (this.#waiting >= this.#maxWaiting)
      return this.#fallBack(query, known, 'too many findings are waiting for papers', 'crowded');
    this.#waiting++;
    try {
      return await this.#wait(query, known);
    } finally {
      this.#waiting--;
    }
  }

  async #wait(query: ImageQuery, known: ImageRecords | undefined): Promise<ImageRecords> {
    let found: ImageRecords | undefined;
    try {
      const pending = this.#pendingLookup(query);
      const leftMs = this.#papersWaitMs - (performance.now() - pending.startedAtMs);
      found = await withinMs(pending.records, Math.max(0, leftMs), this.#closing.signal);
    } catch (error) {
      this.#logger.error({ err: error, image: query.reference }, 'looking up the papers of an image failed');
      return this.#fallBack(query, known, `the look-up failed: ${errorText(error)}`, 'failed');
    }
    if (found === undefined)
      return this.#fallBack(query, known, `still looking after ${this.#papersWaitMs / 1000} s`, 'late');
    this.#outcomes.inc({ result: 'looked-up' });
    return found;
  }

  #pendingLookup(query: ImageQuery): PendingLookup {
    const key = [query.reference, query.configDigest, query.targetDigest, ...query.repoDigests].join(' ');
    const known = this.#lookups.get(key);
    if (known !== undefined) return known;
    const pending = { startedAtMs: performance.now(), records: this.#records.lookup(query) };
    this.#lookups.set(key, pending);
    const forget = (): boolean => this.#lookups.delete(key);
    pending.records.then(forget, forget);
    return pending;
  }

  /** Papers that are no longer fresh say more than none; when they were checked travels with them. */
  #fallBack(
    query: ImageQuery,
    known: ImageRecords | undefined,
    reason: string,
    result: 'late' | 'failed' | 'crowded',
  ): ImageRecords {
    if (known === undefined) return this.#unknown(query, reason, result);
    this.#outcomes.inc({ result: 'stale' });
    return known;
  }

  #unknown(query: ImageQuery | undefined, reason: string, result: string): ImageRecords {
    this.#outcomes.inc({ result });
    return { papers: unknownPapers(query, reason, this.#now()), sbom: undefined };
  }
}

/** The value of `promise`, or undefined once the time is over or the signal aborts. */
async function withinMs<T>(promise: Promise<T>, limitMs: number, signal: AbortSignal): Promise<T | undefined> {
  let finish: (() => void) | undefined;
  const over = new Promise<undefined>((resolve) => {
    finish = () => resolve(undefined);
  });
  if (signal.aborted) finish?.();
  const timer = setTimeout(() => finish?.(), limitMs);
  signal.addEventListener('abort', finish as () => void, { once: true });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', finish as () => void);
  }
}
