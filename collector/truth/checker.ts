import { setImmediate } from 'node:timers/promises';
import { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { type Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import type { ImageFindings } from '../images/image-findings.ts';
import { imageKeyOf } from '../images/image-key.ts';
import type { ImageQuery, Records } from '../records/papers.ts';
import { conclude } from './conclude.ts';
import { type ImageTruth, type TruthSources, truthOf } from './image-truth.ts';

export interface TruthCheckerOptions extends TruthSources {
  records: Pick<Records, 'lookup'>;
  findings: Pick<ImageFindings, 'report' | 'resolve'>;
  /** How often an image that runs is looked at again; default 5 min. */
  againMs?: number;
  logger: Logger;
  metrics: Metrics;
}

const maxImages = 10_000;
const sweepMs = 10_000;

interface Watched {
  query: ImageQuery;
  /** Unix ms; 0: now. */
  dueUnixMs: number;
  /** What the last conclusion was made of. */
  fingerprint: string;
}

/**
 * Compares the SBOMs of running images with what is in them and with what was executed, one image after the other, and tells
 * what follows. What has not changed is not concluded again.
 */
export class TruthChecker {
  readonly #options: TruthCheckerOptions;
  readonly #episode: Episode;
  readonly #checks;
  /** Images that run, the one that was checked the longest ago first. */
  readonly #images = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(options: TruthCheckerOptions) {
    this.#options = options;
    this.#episode = new Episode(options.logger, 'comparing SBOMs with images');
    this.#checks = options.metrics.counter('truth_checks_total', 'Images compared with their SBOM, by result.', [
      'result',
    ]);
  }

  start(): void {
    this.#timer = setInterval(() => this.#wake(), sweepMs);
    this.#timer.unref();
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#working;
  }

  /** A container was reported. */
  seen(container: Container): void {
    const query = imageQueryOf(container);
    const key = query === undefined || container.sandbox ? undefined : imageKeyOf(query);
    if (query === undefined || key === undefined || container.state !== ContainerState.RUNNING) return;
    if (this.#images.has(key) || this.#images.size >= maxImages) return;
    this.#images.set(key, { query, dueUnixMs: 0, fingerprint: '' });
    this.#wake();
  }

  /** Papers, inventory or what was executed of an image may have changed. */
  changed(imageKey: string): void {
    const watched = this.#images.get(imageKey);
    if (watched === undefined) return;
    watched.dueUnixMs = 0;
    this.#wake();
  }

  #wake(): void {
    if (this.#closed || this.#timer === undefined) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    for (const [key, watched] of [...this.#images]) {
      if (this.#closed) return;
      if (watched.dueUnixMs > Date.now()) continue;
      watched.dueUnixMs = Date.now() + (this.#options.againMs ?? 300_000);
      try {
        this.#checks.inc({ result: await this.#check(key, watched) });
        this.#episode.recovered();
      } catch (thrown) {
        this.#checks.inc({ result: 'failed' });
        this.#episode.failed(errorText(thrown));
      }
      await setImmediate();
    }
  }

  async #check(key: string, watched: Watched): Promise<string> {
    const records = await this.#options.records.lookup(watched.query);
    const truth = await truthOf(watched.query, key, records, this.#options);
    if (truth.running === 0) {
      this.#images.delete(key);
      return 'not-running';
    }
    if (truth.fingerprint === watched.fingerprint) return 'unchanged';
    await conclude(watched.query, truth, this.#options.findings);
    watched.fingerprint = truth.fingerprint;
    return resultOf(truth);
  }
}

function resultOf({ sbom, comparison }: ImageTruth): string {
  if (comparison !== undefined) return 'compared';
  return sbom.outcome === 'absent' ? 'no-sbom' : 'not-comparable';
}
