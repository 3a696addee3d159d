import { Episode } from '../../common/episode.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Problem } from './discovery/problem.ts';
import type { Papers } from './papers.ts';

const maxHosts = 1000;

/** What the look-ups say to the operator: counters by code and outcome, one log line per episode and registry host. */
export class RecordsEvents {
  readonly #logger: Logger;
  readonly #errors;
  readonly #papers;
  readonly #lookUps;
  readonly #episodes = new Map<string, Episode>();

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#errors = metrics.counter('registry_errors_total', 'What could not be asked of registries, by code.', [
      'code',
    ]);
    this.#papers = metrics.counter('papers_total', 'Papers looked up, by paper and outcome.', ['paper', 'outcome']);
    this.#lookUps = metrics.counter('image_lookups_total', 'Images asked for, by where the answer came from.', [
      'from',
    ]);
  }

  answered(from: 'memory' | 'cache' | 'registry' | 'refused'): void {
    this.#lookUps.inc({ from });
  }

  lookedUp(papers: Papers, problems: readonly Problem[], hosts: readonly string[]): void {
    for (const paper of ['signature', 'sbom', 'provenance'] as const)
      this.#papers.inc({ paper, outcome: papers[paper].outcome });
    const failing = new Set<string>();
    for (const { code, reason, host } of problems) {
      this.#errors.inc({ code });
      if (!code.startsWith('REGISTRY_')) continue;
      failing.add(host);
      this.#episodeOf(host)?.failed(reason);
    }
    for (const host of hosts) if (!failing.has(host)) this.#episodes.get(host)?.recovered();
  }

  failed(code: string, reason: string): void {
    this.#errors.inc({ code });
    this.#episodeOf(code)?.failed(reason);
  }

  #episodeOf(key: string): Episode | undefined {
    const known = this.#episodes.get(key);
    if (known !== undefined || this.#episodes.size >= maxHosts) return known;
    const episode = new Episode(this.#logger, `papers from ${key}`);
    this.#episodes.set(key, episode);
    return episode;
  }
}
