import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { version } from '../../common/version.ts';
import { type KnownImages, MemoryKnownImages } from './base/known-images.ts';
import type { ContentsIndex } from './contents/contents.ts';
import { ContentsStore } from './contents/contents-store.ts';
import type { IdentityBook } from './discovery/known-identities.ts';
import { problemsHiding, problemText } from './discovery/problem.ts';
import type { ImageExpectation } from './expectation/schema.ts';
import { freshForMs, keepProven } from './freshness.ts';
import { ImageContents } from './image-contents.ts';
import { digestsOfImage } from './intake/open-uploads.ts';
import type { Uploads } from './intake/uploads.ts';
import { JudgeAgain } from './judge-again.ts';
import { lookUpImage } from './look-up.ts';
import type { ImageIdentity, ImageQuery, ImageRecords, Papers, Records, RecordsCache } from './papers.ts';
import { RecordsEvents } from './records-metrics.ts';
import { RegistryClient } from './registry/client.ts';
import { loadCredentials } from './registry/credential-store.ts';
import type { CredentialStore } from './registry/credentials.ts';
import { dockerConfigPath } from './registry/docker-config.ts';
import { KeyedLimiter } from './registry/limiter.ts';
import type { Mirror } from './registry/mirrors.ts';
import { emptyPaper, type SbomResult } from './sbom/paper.ts';
import type { Trust } from './trust/trust.ts';
import { createReportBook, packagesOf, type VulnerabilityBook } from './vulnerability/book.ts';
import { noVulnerabilities } from './vulnerability/paper.ts';
import type { Vulnerabilities } from './vulnerability/vulnerabilities.ts';

export interface RecordsOptions {
  cache: RecordsCache;
  /** What images contain; one that keeps nothing beyond this process when undefined. */
  contents?: ContentsStore;
  /** Who may sign which images, from `loadTrust`. */
  trust: Trust;
  /** Papers that people brought. */
  uploads?: Uploads;
  /** What is expected of images: the policy's section `images`. */
  expectations?: readonly ImageExpectation[];
  /** Images that others may be built on; without, those of this process. */
  knownImages?: KnownImages;
  /** "host:port" that may be asked in plain HTTP and at private addresses; loopback always may. */
  insecureRegistries: readonly string[];
  /** "host" or "host:port" that may be at private addresses, with TLS. */
  allowedHosts?: readonly string[];
  /** Told after each look-up in registries; what it throws is counted. */
  onLookedUp?: ((image: ImageQuery, papers: Papers) => void) | undefined;
  /** Registries that hold what others do. */
  mirrors?: readonly Mirror[];
  /** Folders in the OCI image layout. */
  ociLayouts?: readonly string[];
  /** Only mirrors and layouts are asked. */
  noUpstream?: boolean;
  logger: Logger;
  metrics: Metrics;
  /** Milliseconds since the epoch; the system's clock when undefined. */
  clock?: () => number;
  /** Docker's config.json and the pull secrets when undefined. */
  credentials?: CredentialStore;
  /** Files as Kubernetes' secrets of type dockerconfigjson have them, or folders with one. */
  pullSecrets?: readonly string[];
  /** Feeds and advisories; without, vulnerabilities are known from reports only. Started, but not closed, with these. */
  vulnerabilities?: Vulnerabilities;
  /** Everything one image may take; default 60 s. */
  lookUpTimeoutMs?: number;
  /** One request; default 30 s. */
  requestTimeoutMs?: number;
  maxConcurrentLookUps?: number;
  maxWaitingLookUps?: number;
  /** An answer is used no longer than this, however long it would be good; unbounded when undefined. */
  maxPapersAgeMs?: number;
  /** Called for each answer of the registries, with the one before it, also of an earlier run. */
  onCompared?: (change: { image: ImageQuery; before: Papers | undefined; after: Papers }) => void;
}

export interface ClosableRecords extends Records {
  /** Ends running look-ups; they answer unknown. */
  close(): void;
}

const defaults = {
  lookUpTimeoutMs: 60_000,
  maxConcurrentLookUps: 4,
  maxWaitingLookUps: 512,
  maxPapersAgeMs: Number.POSITIVE_INFINITY,
  clock: () => Date.now(),
};
/** To be raised when what is kept of papers changes its shape or meaning: older ones are then looked up again. */
const papersVersion = 5;
const maxRemembered = 10_000;
const retryAfterFailureMs = 15_000;

/** Creates the collector's knowledge of images: looks papers up in their registries, checks them, remembers them. */
export function createRecords(options: RecordsOptions): ClosableRecords {
  return new RegistryRecords(options);
}

class RegistryRecords implements ClosableRecords {
  readonly #options: RecordsOptions & typeof defaults;
  readonly #client: RegistryClient;
  readonly #events: RecordsEvents;
  readonly #contents: ImageContents;
  readonly #vulnerabilities: VulnerabilityBook;
  readonly #again: JudgeAgain;
  readonly #limiter: KeyedLimiter;
  /** Of who may sign and what is expected. */
  readonly #trustHash: string;
  readonly #knownImages: KnownImages;
  readonly #papers = new LRUCache<string, Papers>({ max: maxRemembered });
  /** How images are named whose papers are remembered. */
  readonly #images = new LRUCache<string, ImageQuery>({ max: maxRemembered });
  readonly #failures = new LRUCache<string, number>({ max: maxRemembered });
  readonly #running = new Map<string, Promise<ImageRecords>>();
  readonly #closed = new AbortController();
  readonly #identities: IdentityBook = {
    find: (digest) => this.#remember(() => this.#options.cache.findIdentities(digest)) ?? [],
    put: (identities) => void this.#remember(() => this.#options.cache.putIdentities(identities)),
  };

  constructor(options: RecordsOptions) {
    this.#options = { ...defaults, ...options };
    this.#client = new RegistryClient({
      insecureRegistries: options.insecureRegistries,
      allowedHosts: options.allowedHosts ?? [],
      credentials:
        options.credentials ??
        loadCredentials({ dockerConfig: dockerConfigPath(), pullSecrets: options.pullSecrets ?? [] }),
      userAgent: `tallyman/${version}`,
      ...(options.mirrors === undefined ? {} : { mirrors: options.mirrors }),
      ...(options.ociLayouts === undefined ? {} : { layouts: options.ociLayouts }),
      ...(options.noUpstream === undefined ? {} : { noUpstream: options.noUpstream }),
      ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
    });
    this.#events = new RecordsEvents(options.logger, options.metrics);
    this.#contents = new ImageContents({
      documents: options.cache,
      contents: options.contents ?? new ContentsStore({ cache: undefined }),
      onError: (error) => this.#events.failed('RECORDS_CACHE_FAILED', errorText(error)),
    });
    const onError = (error: unknown): void => this.#events.failed('VULNERABILITIES_FAILED', errorText(error));
    this.#vulnerabilities =
      options.vulnerabilities?.book ?? createReportBook({ cache: options.cache, clock: this.#options.clock, onError });
    this.#again = new JudgeAgain({
      known: () => this.#papers.entries(),
      judge: (key) => this.#vulnerabilitiesChanged(key),
      onError,
    });
    options.vulnerabilities?.start((change) => this.#again.changed(change));
    this.#limiter = new KeyedLimiter(this.#options.maxConcurrentLookUps);
    this.#trustHash = hashOf([options.trust.hash, JSON.stringify(options.expectations ?? [])]);
    this.#knownImages = options.knownImages ?? new MemoryKnownImages();
  }

  close(): void {
    this.#closed.abort();
    this.#again.close();
    this.#client.close();
  }

  lookup(image: ImageQuery): Promise<ImageRecords> {
    const key = this.#keyOf(image);
    this.#images.set(key, image);
    const known = this.#knownPapers(key);
    const loaded = known === undefined ? undefined : this.#loaded(key, known);
    if (known !== undefined && loaded?.vulnerabilities !== undefined && this.#isFresh(known, image)) {
      this.#events.answered('memory');
      return Promise.resolve(loaded);
    }
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#limiter.waiting >= this.#options.maxWaitingLookUps) return Promise.resolve(this.#refuse(image, known));
    const started = this.#limiter
      .run('look-up', () => this.#answer(key, image, known))
      .catch((error: unknown) => this.#failed(key, image, known, error))
      .finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  peek(image: ImageQuery): ImageRecords | undefined {
    const key = this.#keyOf(image);
    const known = this.#knownPapers(key);
    const loaded = known === undefined ? undefined : this.#loaded(key, known);
    if (known === undefined || loaded?.vulnerabilities === undefined || !this.#isFresh(known, image))
      void this.lookup(image);
    return loaded ?? (known === undefined ? undefined : this.#contents.withInventory(known, undefined));
  }

  /** From the cached document when the papers are fresh, else from the registries. */
  async #answer(key: string, image: ImageQuery, known: Papers | undefined): Promise<ImageRecords> {
    if (known !== undefined && this.#isFresh(known, image)) {
      const { documentDigest } = known.sbom;
      const sbom = documentDigest === undefined ? undefined : await this.#contents.loadSbom(known);
      const isComplete = documentDigest === undefined || sbom !== undefined;
      if (isComplete && this.#vulnerabilities.isKept(known)) {
        this.#events.answered('cache');
        return this.#judgeAgain(key, image, known, sbom);
      }
    }
    this.#events.answered('registry');
    return this.#lookUp(key, image, known);
  }

  async #lookUp(key: string, image: ImageQuery, before: Papers | undefined): Promise<ImageRecords> {
    const deadline = AbortSignal.timeout(this.#options.lookUpTimeoutMs);
    const signal = AbortSignal.any([deadline, this.#closed.signal]);
    const { trust, uploads, expectations, clock } = this.#options;
    const asked = { trust, uploads, expectations, knownImages: this.#knownImages, nowUnixMs: clock() };
    const sources = { client: this.#client, identities: this.#identities };
    const result = await lookUpImage(image, { ...asked, ...sources, signal });
    const { identity, signature, sbom, provenance, base: builtOn, place } = result;
    const isUnknown = [signature, sbom.paper, provenance].some(({ outcome }) => outcome === 'unknown');
    const failures = isUnknown ? (this.#failures.get(key) ?? 0) + 1 : 0;
    this.#failures.set(key, failures);
    const index = await this.#indexOf(identity, sbom, before);
    const problem = problemText(problemsHiding('vulnerabilities', result.problems));
    const found = { identity, scans: result.scans, problem };
    const vulnerabilities = await this.#vulnerabilities.assess(
      key,
      found,
      packagesOf(index, sbom.paper),
      before?.vulnerabilities,
    );
    const former = this.#formerPapers(key);
    const sides = { provenance, vulnerabilities, base: builtOn, place };
    const base = { identity, signature, sbom: sbom.paper, ...sides, checkedAtUnixMs: clock() };
    const usableMs = freshForMs(base, { papers: former, failuresInRow: failures });
    const freshFor = Math.min(usableMs, this.#options.maxPapersAgeMs);
    const fresh: Papers = { ...base, freshForMs: freshFor, trust: this.#trustHash };
    const papers = keepProven(fresh, before);
    this.#events.lookedUp(fresh, result.problems, result.hosts);
    this.#tellChange(image, former, papers);
    this.#papers.set(key, papers);
    this.#remember(() => this.#options.cache.putPapers(key, papers));
    this.#remember(() => this.#options.onLookedUp?.(image, papers));
    return { ...this.#contents.withInventory(papers, index), vulnerabilities: this.#vulnerabilities.list(key) };
  }

  /** The SBOM that was found, else the one that was known before, when nobody could look. */
  async #indexOf(
    identity: ImageIdentity,
    found: SbomResult,
    before: Papers | undefined,
  ): Promise<ContentsIndex | undefined> {
    if (found.parsed !== undefined && found.document !== undefined)
      return this.#contents.putSbom(identity, found.document, found.parsed);
    return found.paper.outcome === 'unknown' && before !== undefined ? this.#contents.loadSbom(before) : undefined;
  }

  /** Other advisories, feeds or packages: what is known of the image is judged by them. */
  async #vulnerabilitiesChanged(key: string): Promise<void> {
    const before = this.#knownPapers(key);
    const image = this.#images.get(key);
    if (before === undefined || image === undefined || !this.#vulnerabilities.isKept(before)) return;
    const { documentDigest } = before.sbom;
    const sbom = documentDigest === undefined ? undefined : await this.#contents.loadSbom(before);
    if (documentDigest === undefined || sbom !== undefined) await this.#judgeAgain(key, image, before, sbom);
  }

  async #judgeAgain(
    key: string,
    image: ImageQuery,
    known: Papers,
    sbom: ContentsIndex | undefined,
  ): Promise<ImageRecords> {
    const vulnerabilities = await this.#vulnerabilities.reassess(key, known, packagesOf(sbom, known.sbom));
    const papers = { ...known, vulnerabilities };
    this.#tellChange(image, known, papers);
    this.#papers.set(key, papers);
    this.#remember(() => this.#options.cache.putPapers(key, papers));
    return { ...this.#contents.withInventory(papers, sbom), vulnerabilities: this.#vulnerabilities.list(key) };
  }

  /** Before the papers are kept: a crash in between finds the change again. */
  #tellChange(image: ImageQuery, before: Papers | undefined, after: Papers): void {
    try {
      this.#options.onCompared?.({ image, before, after });
    } catch (error) {
      this.#events.failed('RECORDS_CHANGE_FAILED', errorText(error));
    }
  }

  /** A store that fails costs a look-up after the next restart, not this answer. */
  #remember<T>(use: () => T): T | undefined {
    try {
      return use();
    } catch (error) {
      this.#events.failed('RECORDS_CACHE_FAILED', errorText(error));
      return undefined;
    }
  }

  /** What was found under the keys and identities that are trusted now. */
  #knownPapers(key: string): Papers | undefined {
    const former = this.#formerPapers(key);
    return former?.trust === this.#trustHash ? former : undefined;
  }

  /** What was found last, by whatever was trusted then. */
  #formerPapers(key: string): Papers | undefined {
    const remembered = this.#papers.get(key);
    if (remembered !== undefined) return remembered;
    const cached = this.#remember(() => this.#options.cache.getPapers(key));
    if (cached !== undefined) this.#papers.set(key, cached);
    return cached;
  }

  /** Papers together with their index, if that is at hand or there is none. */
  #loaded(key: string, papers: Papers): ImageRecords | undefined {
    const vulnerabilities = this.#vulnerabilities.list(key);
    const sbom = this.#contents.peekSbom(papers);
    if (sbom === undefined && papers.sbom.documentDigest !== undefined) return undefined;
    return { ...this.#contents.withInventory(papers, sbom), vulnerabilities };
  }

  #isFresh(papers: Papers, image: ImageQuery): boolean {
    const { uploads } = this.#options;
    const broughtAt = uploads?.changedAtUnixMs(digestsOfImage(image, papers.identity)) ?? 0;
    if (broughtAt >= papers.checkedAtUnixMs) return false;
    const age = this.#options.clock() - papers.checkedAtUnixMs;
    return age >= 0 && age < papers.freshForMs;
  }

  #refuse(image: ImageQuery, known: Papers | undefined): ImageRecords {
    this.#events.answered('refused');
    const waiting = this.#options.maxWaitingLookUps;
    return {
      papers: known ?? this.#unknown(image, `${waiting} other images are waiting to be looked up`),
      sbom: undefined,
    };
  }

  #failed(key: string, image: ImageQuery, known: Papers | undefined, error: unknown): ImageRecords {
    this.#events.failed('RECORDS_LOOKUP_FAILED', errorText(error));
    const papers = known ?? this.#unknown(image, `the look-up failed: ${errorText(error)}`);
    this.#papers.set(key, { ...papers, checkedAtUnixMs: this.#options.clock(), freshForMs: retryAfterFailureMs });
    return { papers, sbom: undefined };
  }

  #unknown(image: ImageQuery, reason: string): Papers {
    const paper = { outcome: 'unknown', reason, signer: undefined } as const;
    return {
      identity: {
        repository: undefined,
        indexDigest: undefined,
        manifestDigest: undefined,
        configDigest: image.configDigest || undefined,
        platform: image.platform || undefined,
      },
      signature: { ...paper, records: [] },
      sbom: emptyPaper('unknown', reason, undefined),
      provenance: { ...paper, predicateType: undefined, builderId: undefined, sourceUri: undefined },
      vulnerabilities: noVulnerabilities('unknown', reason),
      checkedAtUnixMs: this.#options.clock(),
      freshForMs: 0,
      trust: this.#trustHash,
    };
  }

  /** Papers depend on the image, and on where it may be looked for. */
  #keyOf(image: ImageQuery): string {
    const { configDigest, targetDigest, platform, byName } = image;
    // How the image is named decides whether it is pinned, and where it comes from.
    const named = this.#options.expectations?.length ? image.reference : '';
    const places = image.repoDigests.length > 0 ? [...image.repoDigests].sort() : [image.reference];
    return hashOf([`${papersVersion}`, configDigest, targetDigest, platform, `${byName === true}`, ...places, named]);
  }
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
