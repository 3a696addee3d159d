import type { Component, Ownership } from '../papers.ts';
import type { ContentFile, ContentsIndex, ContentsSource, UsrMerge } from './contents.ts';
import type { ContentsHead } from './encode.ts';
import type { ChunkFile, FileChunk } from './file-chunk.ts';
import { followLinks } from './links.ts';
import { type ContentsTable, ownerOf } from './owner-rules.ts';
import { type ChunkPackage, packageKey } from './package-chunk.ts';

/** Where chunks are had from. Throws when a chunk is missing or damaged. */
export interface ChunkSource {
  files(hash: string): FileChunk;
  packages(hash: string, layerDigest: string): readonly ChunkPackage[];
}

interface Packages {
  components: readonly Component[];
  numbers: ReadonlyMap<string, number>;
  directories: ReadonlyMap<string, number>;
  distributors: ReadonlyMap<number, readonly string[]>;
}

const maxRememberedDirectories = 4_096;

/** Contents as they are stored: each question reads the few blocks that it needs. */
export class StoredContents implements ContentsIndex, ContentsTable {
  readonly #head: ContentsHead;
  readonly #chunks: ChunkSource;
  readonly #canonicalDirectories = new Map<string, string | undefined>();
  #packages: Packages | undefined;

  constructor(head: ContentsHead, chunks: ChunkSource) {
    this.#head = head;
    this.#chunks = chunks;
  }

  get source(): ContentsSource {
    return this.#head.source;
  }
  get listsAllFiles(): boolean {
    return this.#head.listsAllFiles;
  }
  get usrMerge(): UsrMerge {
    return this.#head.usrMerge;
  }
  get incomplete(): string {
    return this.#head.incomplete;
  }
  get fileCount(): number {
    return this.#head.fileCount;
  }
  get ownedFileCount(): number {
    return this.#head.ownedFileCount;
  }
  get osPackages(): { count: number; withFiles: number } {
    return this.#head.osPackages;
  }
  get components(): readonly Component[] {
    return this.#loaded().components;
  }

  /** In memory, roughly, without its chunks of files, which images share. */
  get sizeBytes(): number {
    return 2_048 + this.#head.packageCount * 700 + this.#head.layers.length * 200;
  }

  ownerOf(path: string, sha256?: string): Ownership {
    try {
      return ownerOf(this, path, sha256);
    } catch (error) {
      const reason = `the stored contents of the image cannot be read: ${error instanceof Error ? error.message : error}`;
      return { state: 'no-ownership-data', path, source: this.source, reason };
    }
  }

  file(path: string): ContentFile | undefined {
    const canonical = path.startsWith('/') ? followLinks(path, (at) => this.find(at)?.linkTarget, true) : undefined;
    return canonical === undefined ? undefined : this.find(canonical);
  }

  *files(): Generator<ContentFile> {
    for (const layer of this.#head.layers)
      for (const [hash] of layer.files)
        for (const file of this.#chunks.files(hash).files()) yield this.#fileOf(file, layer.digest);
  }

  /** Files that list this package or are evidence of it; reads only chunks that have any. */
  *filesOf(component: number): Generator<ContentFile> {
    for (const layer of this.#head.layers)
      for (const [hash] of layer.files) {
        const chunk = this.#chunks.files(hash);
        const { numbers } = this.#loaded();
        if (!chunk.packageKeys.some((key) => numbers.get(key) === component)) continue;
        for (const found of chunk.files()) {
          const file = this.#fileOf(found, layer.digest);
          if (file.owners.includes(component) || file.evidenceOf.includes(component)) yield file;
        }
      }
  }

  find(path: string): ContentFile | undefined {
    for (const layer of this.#head.layers) {
      const chunk = chunkThatMayHave(layer.files, path);
      const found = chunk === undefined ? undefined : this.#chunks.files(chunk).find(path);
      if (found !== undefined) return this.#fileOf(found, layer.digest);
    }
    return undefined;
  }

  canonicalDirectories(path: string): string | undefined {
    const end = path.lastIndexOf('/');
    const directory = path.slice(0, end) || '/';
    if (!this.#canonicalDirectories.has(directory)) {
      if (this.#canonicalDirectories.size >= maxRememberedDirectories) this.#canonicalDirectories.clear();
      const canonical = followLinks(directory, (at) => this.find(at)?.linkTarget, true);
      this.#canonicalDirectories.set(directory, canonical);
    }
    const canonical = this.#canonicalDirectories.get(directory);
    if (canonical === undefined) return undefined;
    return `${canonical === '/' ? '' : canonical}${path.slice(end)}`;
  }

  directoryOwner(path: string): number | undefined {
    return this.#loaded().directories.get(path);
  }

  distributorsOf(component: number): readonly number[] {
    const { distributors, numbers } = this.#loaded();
    return (distributors.get(component) ?? []).flatMap((key) => numbers.get(key) ?? []);
  }

  *withSha256(hex: string): Generator<ContentFile> {
    for (const layer of this.#head.layers)
      for (const [hash] of layer.files)
        for (const file of this.#chunks.files(hash).withDigest(`sha256:${hex}`)) yield this.#fileOf(file, layer.digest);
  }

  #fileOf(file: ChunkFile, layerDigest: string): ContentFile {
    const { numbers } = this.#loaded();
    const numbersOf = (keys: readonly string[]): number[] => keys.flatMap((key) => numbers.get(key) ?? []);
    return { ...file, owners: numbersOf(file.owners), evidenceOf: numbersOf(file.evidenceOf), layerDigest };
  }

  #loaded(): Packages {
    this.#packages ??= loadPackages(this.#head, this.#chunks);
    return this.#packages;
  }
}

/** The last chunk whose first path is not behind the path. */
function chunkThatMayHave(chunks: ContentsHead['layers'][number]['files'], path: string): string | undefined {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunks[middle]?.[1] ?? '') <= path) low = middle + 1;
    else high = middle;
  }
  return chunks[low - 1]?.[0];
}

function loadPackages(head: ContentsHead, chunks: ChunkSource): Packages {
  const components: Component[] = [];
  const numbers = new Map<string, number>();
  const directories = new Map<string, number>();
  const distributors = new Map<number, readonly string[]>();
  for (const layer of head.layers)
    for (const hash of layer.packages)
      for (const found of chunks.packages(hash, layer.digest)) {
        const number = components.push(found.component) - 1;
        numbers.set(packageKey(found.component), number);
        // A second claim makes a directory nobody's.
        for (const path of found.directories) directories.set(path, directories.has(path) ? -1 : number);
        if (found.distributors.length > 0) distributors.set(number, found.distributors);
      }
  return { components, numbers, directories, distributors };
}
