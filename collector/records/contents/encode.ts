import { createHash } from 'node:crypto';
import { isOsPackage } from '../sbom/component.ts';
import type { ContentFile, Contents, ContentsSource, UsrMerge } from './contents.ts';
import { type ChunkFile, encodeFileChunk } from './file-chunk.ts';
import { type ChunkPackage, encodePackageChunk, packageKey } from './package-chunk.ts';

/** A piece of contents that images share, named by the SHA-256 of its bytes. */
export interface Chunk {
  /** Hex. */
  hash: string;
  bytes: Buffer;
  /** Of package chunks: what is in it, for finding images by package. */
  packages: readonly PackageName[];
}

export interface PackageName {
  type: string;
  name: string;
  version: string;
  purl: string;
}

/** What an image has of its own: which chunks it is made of. */
export interface ContentsHead {
  source: ContentsSource;
  listsAllFiles: boolean;
  usrMerge: UsrMerge;
  incomplete: string;
  packageCount: number;
  fileCount: number;
  ownedFileCount: number;
  /** Distribution packages, and how many of them list files. */
  osPackages: { count: number; withFiles: number };
  layers: readonly {
    digest: string;
    /** Hashes of chunks. */
    packages: readonly string[];
    /** Hash and first path of each, sorted. */
    files: readonly (readonly [hash: string, firstPath: string])[];
  }[];
}

export interface EncodedContents {
  head: ContentsHead;
  chunks: readonly Chunk[];
}

/**
 * Where a chunk ends is decided by the name that it ends with, so that an image in which one file of a base layer was
 * replaced or removed still shares all other chunks with it.
 */
const fileChunking = { meanItems: 128, minItems: 32, maxItems: 1_024 };
const packageChunking = { meanItems: 64, minItems: 8, maxItems: 256 };

/** Splits contents into chunks, one at each step, so that whoever has other things to do can do them in between. */
export function* encodeContents(contents: Contents): Generator<Chunk, EncodedContents> {
  const chunks: Chunk[] = [];
  const keys = contents.components.map(packageKey);
  const packagesByLayer = groupPackages(contents, keys);
  const filesByLayer = Map.groupBy(contents.files, ({ layerDigest }) => layerDigest);
  const layers: ContentsHead['layers'][number][] = [];
  for (const digest of new Set([...packagesByLayer.keys(), ...filesByLayer.keys()])) {
    const packages: string[] = [];
    const files: [string, string][] = [];
    for (const group of split([...(packagesByLayer.get(digest) ?? [])], ([key]) => key, packageChunking)) {
      const chunk = packageChunkOf(group.map(([, found]) => found));
      chunks.push(chunk);
      packages.push(chunk.hash);
      yield chunk;
    }
    for (const group of split(filesByLayer.get(digest) ?? [], ({ path }) => path, fileChunking)) {
      const chunk = chunkOf(encodeFileChunk(group.map((file) => chunkFileOf(file, keys))), []);
      chunks.push(chunk);
      files.push([chunk.hash, group[0]?.path ?? '']);
      yield chunk;
    }
    layers.push({ digest, packages, files });
  }
  return { head: headOf(contents, new Set(keys).size, layers), chunks };
}

/** All at once, for threads that have nothing else to do. */
export function encodeContentsNow(contents: Contents): EncodedContents {
  const steps = encodeContents(contents);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function headOf(contents: Contents, packageCount: number, layers: ContentsHead['layers']): ContentsHead {
  const { source, listsAllFiles, usrMerge, incomplete, files, components } = contents;
  const isOs = components.map(({ type }) => isOsPackage(type));
  const withFiles = new Set(files.flatMap(({ owners }) => owners.filter((owner) => isOs[owner] === true)));
  return {
    source,
    listsAllFiles,
    usrMerge,
    incomplete,
    packageCount,
    fileCount: files.length,
    ownedFileCount: files.reduce((count, { owners }) => count + (owners.length > 0 ? 1 : 0), 0),
    osPackages: { count: isOs.filter(Boolean).length, withFiles: withFiles.size },
    layers,
  };
}

/** Layer → key → package; what is said twice of the same package in the same layer is one. */
function groupPackages(contents: Contents, keys: readonly string[]): Map<string, Map<string, ChunkPackage>> {
  const layers = new Map<string, Map<string, ChunkPackage>>();
  const taken = new Set<string>();
  for (const [number, component] of contents.components.entries()) {
    const key = keys[number] ?? '';
    if (taken.has(key)) continue;
    taken.add(key);
    const layer = component.layerDigest ?? '';
    const packages = layers.get(layer) ?? new Map<string, ChunkPackage>();
    const distributors = (contents.distributors.get(number) ?? []).map((owner) => keys[owner] ?? '').filter(Boolean);
    packages.set(key, { component, directories: contents.directories.get(number) ?? [], distributors });
    layers.set(layer, packages);
  }
  return layers;
}

function packageChunkOf(packages: readonly ChunkPackage[]): Chunk {
  const names = packages.map(({ component: { type, name, version, purl } }) => ({ type, name, version, purl }));
  return chunkOf(encodePackageChunk(packages), names);
}

function chunkOf(bytes: Buffer, packages: readonly PackageName[]): Chunk {
  return { hash: createHash('sha256').update(bytes).digest('hex'), bytes, packages };
}

function chunkFileOf(file: ContentFile, keys: readonly string[]): ChunkFile {
  const keysOf = (numbers: readonly number[]): string[] => [
    ...new Set(numbers.map((number) => keys[number]).filter((key) => key !== undefined)),
  ];
  const { path, linkTarget, mode, digest } = file;
  return { path, owners: keysOf(file.owners), evidenceOf: keysOf(file.evidenceOf), linkTarget, mode, digest };
}

/** Sorted by name, in groups whose ends depend on names only. */
function* split<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  { meanItems, minItems, maxItems }: typeof fileChunking,
): Generator<T[]> {
  // Inventories come sorted.
  const isSorted = items.every((item, at) => at === 0 || nameOf(items[at - 1]!) <= nameOf(item));
  const sorted = isSorted
    ? items
    : items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
  let group: T[] = [];
  for (const item of sorted) {
    group.push(item);
    const isEnd = group.length >= minItems && fnv1a(nameOf(item)) % meanItems === 0;
    if (!isEnd && group.length < maxItems) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
