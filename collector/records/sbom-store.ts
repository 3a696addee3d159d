import { LRUCache } from 'lru-cache';
import type { RecordsCache } from './papers.ts';
import { sha256Digest } from './registry/digest.ts';
import type { ParsedSbom } from './sbom/model.ts';
import type { SbomDocument } from './sbom/paper.ts';
import { parseSbomAnywhere } from './sbom/parse-off-thread.ts';
import { MemorySbomIndex } from './sbom/sbom-index.ts';

export interface SbomStoreOptions {
  cache: RecordsCache;
  maxIndexes: number;
  maxIndexBytes: number;
  /** The cache failed; the index in memory serves on. */
  onCacheError: (error: unknown) => void;
}

/** SBOM indexes by document digest: the hot ones in memory, the others read again from the cached document. */
export class SbomStore {
  readonly #cache: RecordsCache;
  readonly #onCacheError: (error: unknown) => void;
  readonly #indexes: LRUCache<string, MemorySbomIndex>;

  constructor(options: SbomStoreOptions) {
    this.#cache = options.cache;
    this.#onCacheError = options.onCacheError;
    this.#indexes = new LRUCache({
      max: options.maxIndexes,
      maxSize: options.maxIndexBytes,
      sizeCalculation: (index) => Math.min(index.approximateBytes, options.maxIndexBytes),
    });
  }

  peek(digest: string): MemorySbomIndex | undefined {
    return this.#indexes.get(digest);
  }

  put(document: SbomDocument, parsed: ParsedSbom): MemorySbomIndex {
    const index = new MemorySbomIndex(parsed);
    this.#indexes.set(document.digest, index);
    try {
      this.#cache.putDocument(document.digest, document.mediaType, document.bytes);
    } catch (error) {
      this.#onCacheError(error);
    }
    return index;
  }

  /** Undefined when the document is not cached, or the cached bytes are not what their digest says. */
  async load(digest: string): Promise<MemorySbomIndex | undefined> {
    const known = this.#indexes.get(digest);
    if (known !== undefined) return known;
    const bytes = this.#cachedBytes(digest);
    if (bytes === undefined || sha256Digest(bytes) !== digest) return undefined;
    const index = new MemorySbomIndex(await parseSbomAnywhere(bytes));
    this.#indexes.set(digest, index);
    return index;
  }

  #cachedBytes(digest: string): Uint8Array | undefined {
    try {
      return this.#cache.getDocument(digest);
    } catch (error) {
      this.#onCacheError(error);
      return undefined;
    }
  }
}
