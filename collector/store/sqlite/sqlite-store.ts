import type Database from 'better-sqlite3';
import type { Counter } from 'prom-client';
import { Episode } from '../../../common/episode.ts';
import { errorText } from '../../../common/errors.ts';
import type { Logger } from '../../../common/logger.ts';
import type { Metrics } from '../../../common/metrics.ts';
import type { Container } from '../../../proto/generated/tallyman/v1/container.ts';
import type { AgentStatus, Item, Node } from '../../../proto/generated/tallyman/v1/uplink.ts';
import type { BaselineChanges, BaselineContainer, FactRecord } from '../../baseline/fact-record.ts';
import type { KnownImage } from '../../records/base/known-images.ts';
import type { ContentsKind, ImageWithPackage, PackageQuery } from '../../records/contents/contents-cache.ts';
import type { Chunk, ContentsHead } from '../../records/contents/encode.ts';
import type { Upload } from '../../records/intake/upload.ts';
import type { KnownIdentity, Papers } from '../../records/papers.ts';
import type {
  AlertFilter,
  AlertSource,
  GapFilter,
  InboxItem,
  InventoryWork,
  Pruned,
  Store,
  StoredAlert,
  StoredContainer,
  StoredDecision,
  StoredGap,
  StoredImageFinding,
  StoredNode,
  StoredObservation,
  StoredRepeats,
} from '../store.ts';
import type { BatchSource } from './inbox-table.ts';
import { openDatabase } from './open.ts';
import { toStoreError } from './store-error.ts';
import { defaultStoreBounds, openTables, prune, type StoreBounds, type Tables } from './tables.ts';

export interface SqliteStoreOptions {
  file: string;
  bounds?: Partial<StoreBounds>;
  /** How long to wait for another process to let go of the file. */
  busyTimeoutMs?: number;
  logger: Logger;
  metrics: Metrics;
}

/** Opens the store; throws a CodedError as listed in store-error.ts. */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  return new SqliteStore(options);
}

/**
 * The collector's memory in one SQLite file, owned by one process. Calls are synchronous: each is one transaction, synced to
 * disk when it returns. Methods throw a CodedError (store-error.ts) and have then changed nothing; the cache of papers and
 * documents is the exception: losing an entry costs a look-up, so its failures are only counted and logged.
 */
class SqliteStore implements Store {
  readonly #file: string;
  readonly #bounds: StoreBounds;
  readonly #database: Database.Database;
  readonly #tables: Tables;
  readonly #failures: Counter<'code'>;
  readonly #cacheSkipped: Counter<'reason'>;
  readonly #cacheEpisode: Episode;

  constructor(options: SqliteStoreOptions) {
    this.#file = options.file;
    this.#bounds = { ...defaultStoreBounds, ...options.bounds };
    this.#database = openDatabase({
      file: options.file,
      maxDatabaseBytes: this.#bounds.maxDatabaseBytes,
      busyTimeoutMs: options.busyTimeoutMs ?? 2_000,
    });
    this.#tables = openTables(this.#database, this.#bounds);
    const { metrics } = options;
    this.#failures = metrics.counter('store_failures_total', 'Store calls that failed, by error code.', ['code']);
    this.#cacheSkipped = metrics.counter('store_cache_skipped_total', 'Papers and documents not kept or not read.', [
      'reason',
    ]);
    this.#cacheEpisode = new Episode(options.logger, 'cache of papers and documents');
  }

  storeBatch(source: BatchSource, sequence: bigint, items: readonly Item[], receivedAtUnixMs: number): bigint {
    const { inbox } = this.#tables;
    return this.#guard('storing a batch', () => inbox.storeBatch(source, sequence, items, receivedAtUnixMs));
  }

  acknowledgedSequence(agentId: string, epoch: bigint): bigint {
    return this.#guard('reading', () => this.#tables.inbox.acknowledgedSequence(agentId, epoch));
  }

  readInbox(afterInboxId: number, limit: number, urgent?: boolean): InboxItem[] {
    return this.#guard('reading the inbox', () => this.#tables.inbox.read(afterInboxId, limit, urgent));
  }

  finishInbox(inboxIds: readonly number[]): void {
    this.#guard('finishing inbox items', () => this.#tables.inbox.finish(inboxIds));
  }

  inboxSize(): number {
    return this.#tables.inbox.size;
  }

  putAlerts(alerts: readonly StoredAlert[]): number {
    const { alerts: table, decisions } = this.#tables;
    return this.#guard('storing alerts', () =>
      this.#together(() => {
        const added = table.put(alerts);
        if (added > 0) decisions.add(alerts);
        return added;
      }),
    );
  }

  getAlert(alertId: string): StoredAlert | undefined {
    return this.#guard('reading an alert', () => this.#tables.alerts.get(alertId));
  }

  listAlerts(filter: AlertFilter): StoredAlert[] {
    return this.#guard('listing alerts', () => this.#tables.alerts.list(filter));
  }

  putRepeats(repeats: StoredRepeats): boolean {
    return this.#guard('storing repeats', () => this.#tables.repeats.put(repeats));
  }

  getAlertSource(alertId: string): AlertSource | undefined {
    return this.#guard('reading an alert', () => this.#tables.decisions.get(alertId));
  }

  putDecision(decision: StoredDecision): boolean {
    return this.#guard('storing a decision', () => this.#tables.decisions.put(decision));
  }

  readOutbox(limit: number): StoredAlert[] {
    const { alerts, decisions } = this.#tables;
    return this.#guard('reading the outbox', () => {
      const waiting = alerts.readOutbox(limit);
      return [...waiting, ...decisions.read(limit - waiting.length, (alertId) => alerts.get(alertId))];
    });
  }

  markPublished(alertIds: readonly string[], publishedAtUnixMs: number): void {
    const { alerts, repeats, decisions } = this.#tables;
    this.#guard('marking alerts as published', () =>
      alerts.markPublished(
        alertIds.filter((id) => !repeats.markPublished(id) && !decisions.markPublished(id)),
        publishedAtUnixMs,
      ),
    );
  }

  outboxSize(): number {
    return this.#guard('reading the outbox', () => {
      const { alerts, repeats, decisions } = this.#tables;
      return alerts.outboxSize() + repeats.waiting + decisions.waiting;
    });
  }

  putContainer(nodeName: string, container: Container, updatedAtUnixMs: number): void {
    this.#guard('storing a container', () => this.#tables.containers.put(nodeName, container, updatedAtUnixMs));
  }

  getContainer(idOrPrefix: string): StoredContainer | undefined {
    return this.#guard('reading a container', () => this.#tables.containers.get(idOrPrefix));
  }

  findContainers(idOrPrefixOrName: string, limit: number): StoredContainer[] {
    return this.#guard('finding containers', () => this.#tables.containers.find(idOrPrefixOrName, limit));
  }

  listContainers(): StoredContainer[] {
    return this.#guard('listing containers', () => this.#tables.containers.list());
  }

  putObservations(observations: readonly StoredObservation[]): number {
    return this.#guard('storing observations', () => this.#tables.observations.put(observations));
  }

  listObservations(nodeName: string, containerId: string): StoredObservation[] {
    return this.#guard('listing observations', () => this.#tables.observations.list(nodeName, containerId));
  }

  putGap(gap: StoredGap): void {
    this.#guard('storing a gap', () => this.#tables.gaps.put(gap));
  }

  listGaps(filter: GapFilter): StoredGap[] {
    return this.#guard('listing gaps', () => this.#tables.gaps.list(filter));
  }

  getImageFinding(ruleId: string, imageKey: string): StoredImageFinding | undefined {
    return this.#guard('reading findings of images', () => this.#tables.imageFindings.get(ruleId, imageKey));
  }

  listImageFindings(imageKey: string): StoredImageFinding[] {
    return this.#guard('reading findings of images', () => this.#tables.imageFindings.list(imageKey));
  }

  putImageFinding(finding: StoredImageFinding): void {
    this.#guard('storing a finding of an image', () => this.#tables.imageFindings.put(finding));
  }

  getInventoryWork(imageKey: string): InventoryWork | undefined {
    return this.#guard('reading inventories', () => this.#tables.inventoryWork.get(imageKey));
  }

  putInventoryWork(work: InventoryWork): void {
    this.#guard('storing the state of an inventory', () => this.#tables.inventoryWork.put(work));
  }

  dueInventoryWork(nowUnixMs: number, limit: number): InventoryWork[] {
    return this.#guard('reading inventories', () => this.#tables.inventoryWork.due(nowUnixMs, limit));
  }

  countInventoryWork(): Record<InventoryWork['state'], number> {
    return this.#guard('reading inventories', () => this.#tables.inventoryWork.count());
  }

  putNode(node: Node, agentId: string, status: AgentStatus | undefined, seenAtUnixMs: number): void {
    this.#guard('storing a node', () => this.#tables.nodes.put(node, agentId, status, seenAtUnixMs));
  }

  listNodes(): StoredNode[] {
    return this.#guard('listing nodes', () => this.#tables.nodes.list());
  }

  listBaselineHeads(): string[] {
    return this.#guard('reading baselines', () => this.#tables.baselines.heads());
  }

  listBaselineFacts(baselineId: string): FactRecord[] {
    return this.#guard('reading a baseline', () => this.#tables.baselines.facts(baselineId));
  }

  listBaselineContainers(): BaselineContainer[] {
    return this.#guard('reading baselines', () => this.#tables.baselines.containers());
  }

  writeBaselines(changes: BaselineChanges): void {
    this.#guard('storing baselines', () => this.#tables.baselines.write(changes));
  }

  getPapers(key: string): Papers | undefined {
    return this.#bestEffort('reading papers', undefined, () => this.#tables.papers.get(key));
  }

  putPapers(key: string, papers: Papers): void {
    this.#bestEffort('storing papers', undefined, () => this.#tables.papers.put(key, papers));
  }

  hasDocument(digest: string): boolean {
    return this.#guard('reading a document', () => this.#tables.documents.has(digest));
  }

  getDocument(digest: string): Uint8Array | undefined {
    return this.#bestEffort('reading a document', undefined, () => this.#tables.documents.get(digest));
  }

  putDocument(digest: string, mediaType: string, bytes: Uint8Array): void {
    const { documents } = this.#tables;
    const kept = this.#bestEffort('storing a document', true, () => documents.put(digest, mediaType, bytes));
    if (!kept) this.#cacheSkipped.inc({ reason: 'too-large' });
  }

  listUploads(): Upload[] {
    return this.#guard('listing papers', () => this.#tables.uploads.list());
  }

  getUploadedDocument(imageDigest: string, documentDigest: string): Uint8Array | undefined {
    return this.#guard('reading a paper', () => this.#tables.uploads.get(imageDigest, documentDigest));
  }

  putUpload(upload: Upload, bytes: Uint8Array): void {
    this.#guard('storing a paper', () => this.#tables.uploads.put(upload, bytes));
  }

  removeUpload(imageDigest: string, documentDigest: string): void {
    this.#guard('removing a paper', () => this.#tables.uploads.remove(imageDigest, documentDigest));
  }

  putKnownImage(image: KnownImage, seenAtUnixMs: number): void {
    this.#bestEffort('storing a known image', undefined, () => this.#tables.knownImages.put(image, seenAtUnixMs));
  }

  findKnownImages(chainId: string): KnownImage[] {
    return this.#bestEffort('reading known images', [], () => this.#tables.knownImages.find(chainId));
  }

  newestKnownImage(repository: string, tag: string): number | undefined {
    return this.#bestEffort('reading known images', undefined, () => this.#tables.knownImages.newest(repository, tag));
  }

  hasContentsChunk(hash: string): boolean {
    return this.#guard('reading contents', () => this.#tables.contents.hasChunk(hash));
  }

  putContentsChunks(chunks: readonly Chunk[]): void {
    this.#guard('storing contents', () => this.#tables.contents.putChunks(chunks));
  }

  getContentsChunk(hash: string): Buffer | undefined {
    return this.#guard('reading contents', () => this.#tables.contents.getChunk(hash));
  }

  putContents(names: readonly string[], kind: ContentsKind, head: ContentsHead): void {
    this.#guard('storing contents', () => this.#tables.contents.put(names, kind, head));
  }

  getContents(name: string, kind: ContentsKind): ContentsHead | undefined {
    return this.#guard('reading contents', () => this.#tables.contents.get(name, kind));
  }

  imagesWithPackage(query: PackageQuery, limit: number): ImageWithPackage[] {
    return this.#guard('finding images', () => this.#tables.contents.imagesWithPackage(query, limit));
  }

  findIdentities(digest: string): KnownIdentity[] {
    return this.#bestEffort('reading identities', [], () => this.#tables.identities.find(digest));
  }

  putIdentities(identities: readonly KnownIdentity[]): void {
    if (identities.length === 0) return;
    this.#bestEffort('storing identities', undefined, () => this.#tables.identities.put(identities, Date.now()));
  }

  prune(nowUnixMs: number): Pruned {
    return this.#guard('pruning', () => prune(this.#tables, this.#bounds, nowUnixMs));
  }

  /** Writes the log back into the file and lets go of it. */
  close(): void {
    if (this.#database.open) this.#database.close();
  }

  /** In one transaction; those of the tables become a part of it. */
  #together<T>(work: () => T): T {
    return this.#database.transaction(work).immediate();
  }

  #guard<T>(action: string, work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      const error = toStoreError(this.#file, action, thrown);
      this.#failures.inc({ code: error.code });
      throw error;
    }
  }

  #bestEffort<T>(action: string, fallback: T, work: () => T): T {
    try {
      const answer = this.#guard(action, work);
      this.#cacheEpisode.recovered();
      return answer;
    } catch (thrown) {
      this.#cacheSkipped.inc({ reason: 'store-failed' });
      this.#cacheEpisode.failed(errorText(thrown));
      return fallback;
    }
  }
}
