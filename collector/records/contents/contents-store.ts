import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Contents, ContentsIndex } from './contents.ts';
import type { ContentsCache, ContentsKind, ImageWithPackage, PackageQuery } from './contents-cache.ts';
import { type Chunk, type ContentsHead, type EncodedContents, encodeContents } from './encode.ts';
import { FileChunk } from './file-chunk.ts';
import { decodePackageChunk } from './package-chunk.ts';
import { type ChunkSource, StoredContents } from './stored-contents.ts';

export interface ContentsStoreOptions {
  /** Undefined: contents are kept in memory only, as long as there is room. */
  cache: ContentsCache | undefined;
  /** Of what is kept in memory; default 192 MiB. */
  maxMemoryBytes?: number;
}

/** Bytes that are written in one transaction, so that other work gets its turn in between. */
const maxBytesAtOnce = 256 * 1024;
const defaultMemoryBytes = 192 * 1024 * 1024;

/** What images contain: the hot ones in memory, all of them in the cache, shared parts once. */
export class ContentsStore {
  readonly #cache: ContentsCache | undefined;
  readonly #indexes: LRUCache<string, StoredContents>;
  readonly #fileChunks: LRUCache<string, FileChunk>;
  readonly #packageChunks: LRUCache<string, Buffer>;
  readonly #source: ChunkSource;

  constructor(options: ContentsStoreOptions) {
    this.#cache = options.cache;
    const maxBytes = options.maxMemoryBytes ?? defaultMemoryBytes;
    const bounded = <V extends {}>(share: number, sizeOf: (value: V) => number): LRUCache<string, V> => {
      const maxSize = Math.max(1, Math.floor(maxBytes * share));
      return new LRUCache<string, V>({ maxSize, sizeCalculation: (value) => Math.min(sizeOf(value), maxSize) });
    };
    this.#indexes = bounded(0.25, (index) => index.sizeBytes);
    this.#fileChunks = bounded(0.6, (chunk) => chunk.sizeBytes);
    this.#packageChunks = bounded(0.15, (bytes) => bytes.length);
    this.#source = {
      files: (hash) => this.#fileChunk(hash),
      packages: (hash, layerDigest) => decodePackageChunk(this.#packageChunk(hash), layerDigest),
    };
  }

  /**
   * Keeps what an image contains under all its digests (config and manifest), and answers it ready for questions. Gives way
   * to other work in between. Rejects with what the cache threw.
   */
  async put(names: readonly string[], kind: ContentsKind, contents: Contents): Promise<ContentsIndex> {
    const steps = encodeContents(contents);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return this.putEncoded(names, kind, step.value);
      await setImmediate();
    }
  }

  /** As `put`, of contents that were encoded elsewhere. */
  async putEncoded(
    names: readonly string[],
    kind: ContentsKind,
    { head, chunks }: EncodedContents,
  ): Promise<ContentsIndex> {
    const index = this.hold(names, kind, { head, chunks });
    if (this.#cache === undefined) return index;
    for (const group of inGroups(chunks)) {
      this.#putMissing(this.#cache, group);
      await setImmediate();
    }
    // Pruning may have taken chunks since that no contents used yet.
    this.#putMissing(this.#cache, chunks);
    this.#cache.putContents(names, kind, head);
    return index;
  }

  /** Keeps contents in memory only. */
  hold(names: readonly string[], kind: ContentsKind, { head, chunks }: EncodedContents): ContentsIndex {
    const packageHashes = new Set(head.layers.flatMap(({ packages }) => packages));
    for (const { hash, bytes } of chunks)
      if (packageHashes.has(hash)) this.#packageChunks.set(hash, bytes);
      else if (!this.#fileChunks.has(hash)) this.#fileChunks.set(hash, new FileChunk(bytes));
    return this.#remember(names, kind, head);
  }

  /** Undefined when nothing is known of it, or what is kept is damaged. Throws what the cache throws. */
  get(name: string, kind: ContentsKind): StoredContents | undefined {
    const known = this.#indexes.get(`${kind} ${name}`);
    if (known !== undefined) return known;
    const head = this.#cache?.getContents(name, kind);
    return head === undefined ? undefined : this.#remember([name], kind, head);
  }

  imagesWithPackage(query: PackageQuery, limit: number): ImageWithPackage[] {
    return this.#cache?.imagesWithPackage(query, limit) ?? [];
  }

  #remember(names: readonly string[], kind: ContentsKind, head: ContentsHead): StoredContents {
    const index = new StoredContents(head, this.#source);
    for (const name of names) this.#indexes.set(`${kind} ${name}`, index);
    return index;
  }

  #putMissing(cache: ContentsCache, chunks: readonly Chunk[]): void {
    const missing = chunks.filter(({ hash }) => !cache.hasContentsChunk(hash));
    if (missing.length > 0) cache.putContentsChunks(missing);
  }

  #fileChunk(hash: string): FileChunk {
    const known = this.#fileChunks.get(hash);
    if (known !== undefined) return known;
    const chunk = new FileChunk(this.#fromCache(hash));
    this.#fileChunks.set(hash, chunk);
    return chunk;
  }

  #packageChunk(hash: string): Buffer {
    const known = this.#packageChunks.get(hash);
    if (known !== undefined) return known;
    const bytes = this.#fromCache(hash);
    this.#packageChunks.set(hash, bytes);
    return bytes;
  }

  #fromCache(hash: string): Buffer {
    const bytes = this.#cache?.getContentsChunk(hash);
    if (bytes === undefined) throw new Error(`a part of them (${hash.slice(0, 12)}) is missing or damaged`);
    return bytes;
  }
}

function* inGroups(chunks: readonly Chunk[]): Generator<Chunk[]> {
  let group: Chunk[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    group.push(chunk);
    bytes += chunk.bytes.length;
    if (bytes < maxBytesAtOnce) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}
