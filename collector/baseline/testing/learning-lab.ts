import { join } from 'node:path';
import { silentLogger } from '../../../common/logger.ts';
import { Metrics } from '../../../common/metrics.ts';
import { Container, ContainerState } from '../../../proto/generated/tallyman/v1/container.ts';
import type { ProcessEntry } from '../../../proto/generated/tallyman/v1/process.ts';
import { Gap, type Item, Observation } from '../../../proto/generated/tallyman/v1/uplink.ts';
import { unknownPapers } from '../../correlate/unknown-papers.ts';
import { toStoredObservation } from '../../inbox/observations.ts';
import type { ImageQuery, ImageRecords } from '../../records/papers.ts';
import { createSqliteStore } from '../../store/sqlite/sqlite-store.ts';
import type { InboxItem, Store } from '../../store/store.ts';
import { Baselines } from '../baselines.ts';
import type { LearningOptions } from '../options.ts';

export const nodeName = 'node-1';
export const epochUnixNs = 1_795_000_000_000_000_000n;
export const startedUnixMs = Number(epochUnixNs / 1_000_000n) + 60_000;
const node = { name: nodeName, bootId: '', kernelRelease: '', architecture: '', osName: '' };

/** Baselines over a real store in a directory, taught item by item as the inbox does. */
export class LearningLab {
  readonly store: Store;
  baselines: Baselines;
  readonly changed: string[] = [];
  nowUnixMs = startedUnixMs;
  readonly #options: LearningOptions;
  readonly #lookup: (query: ImageQuery) => ImageRecords;
  #inboxId = 0;

  constructor(directory: string, change: Partial<LearningOptions> = {}, lookup?: (query: ImageQuery) => ImageRecords) {
    const metrics = new Metrics('collector');
    this.store = createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics });
    this.#options = { minObservedMs: 1_000, minContainers: 1, staleAfterMs: 1_000_000, ...change };
    this.#lookup = lookup ?? ((query) => ({ papers: unknownPapers(query, 'not asked', 1), sbom: undefined }));
    this.baselines = this.#open();
  }

  /** As after a crash: what was not written is gone. */
  reopen(): void {
    this.baselines = this.#open();
  }

  #open(): Baselines {
    const baselines = new Baselines({
      ...this.#options,
      store: this.store,
      records: { lookup: async (query) => this.#lookup(query) },
      connectedNodes: () => new Set([nodeName]),
      logger: silentLogger,
      metrics: new Metrics('collector'),
      clock: () => this.nowUnixMs,
    });
    baselines.subscribe((id) => this.changed.push(id));
    return baselines;
  }

  /** Lets time pass in which everything was watched. */
  pass(ms: number): void {
    this.nowUnixMs += ms;
    this.baselines.pass(ms, this.nowUnixMs);
  }

  /** Answers the number the item has in the inbox. */
  receive(item: Item['item'], inboxId = ++this.#inboxId): number {
    const one: InboxItem = {
      ...{ inboxId, node, agentId: 'a', agentEpochUnixNs: epochUnixNs },
      ...{ item: { item }, receivedAtUnixMs: this.nowUnixMs },
    };
    if (item?.$case === 'observation') {
      const row = toStoredObservation(one, item.value);
      if (row !== undefined) this.store.putObservations([row]);
    }
    this.baselines.learn(one);
    this.baselines.flush();
    return inboxId;
  }

  run(id: string, change: Parameters<typeof Container.fromPartial>[0] = {}): void {
    const image = { reference: 'shop/web:1', configDigest: 'sha256:one' };
    const times = { startedUnixNs: BigInt(this.nowUnixMs) * 1_000_000n, state: ContainerState.RUNNING };
    this.receive({
      $case: 'containerUpdate',
      value: { container: Container.fromPartial({ id, name: 'web', image, ...times, ...change }) },
    });
  }

  stop(id: string, change: Parameters<typeof Container.fromPartial>[0] = {}): void {
    this.run(id, { state: ContainerState.EXITED, startedUnixNs: 0n, ...change });
  }

  executed(containerId: string, executablePath: string, change: { origin?: ProcessEntry; parentPath?: string } = {}) {
    const { origin, parentPath = '' } = change;
    const value = { executablePath, parentPath, argumentShape: executablePath.slice(1) };
    return this.observe(containerId, { $case: 'executed', value }, origin);
  }

  observe(
    containerId: string,
    fact: NonNullable<Parameters<typeof Observation.fromPartial>[0]['fact']>,
    origin?: ProcessEntry,
  ) {
    const firstSeenUnixNs = BigInt(this.nowUnixMs) * 1_000_000n;
    const value = Observation.fromPartial({ containerId, firstSeenUnixNs, fact, ...(origin && { origin }) });
    return this.receive({ $case: 'observation', value });
  }

  gap(change: Parameters<typeof Gap.fromPartial>[0]): void {
    const value = Gap.fromPartial({ hop: 'budget', type: 'exec', reason: 'throttled', count: 7n, ...change });
    this.receive({ $case: 'gap', value });
  }

  /** Of the only baseline, or the one of a digest. */
  head(digest?: string) {
    const heads = [...this.baselines.book.heads.values()];
    const found = digest === undefined ? heads : heads.filter(({ key }) => key.imageDigest === digest);
    if (found[0] === undefined || found.length > 1) throw new Error(`there are ${found.length} such baselines`);
    return found[0];
  }

  state(digest?: string): string {
    const message = this.baselines.messageOf(this.head(digest).id);
    return ['unspecified', 'learning', 'ready', 'stale', 'incomplete'][message?.state ?? 0] ?? '';
  }

  /** Executables by status. */
  paths(status: string, digest?: string): string[] {
    const records = [...this.baselines.factsOf(this.head(digest).id).records.values()];
    return records
      .filter((record) => record.status === status)
      .map(({ fact }) => (fact.kind === 'executable' ? fact.path : fact.kind))
      .sort();
  }
}
