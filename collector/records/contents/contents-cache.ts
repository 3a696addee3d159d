import type { Chunk, ContentsHead, PackageName } from './encode.ts';

/** What names contents: an image's digest, with whose word they are, or the digest of the SBOM document they were read from. */
export type ContentsKind = 'sbom' | 'inventory' | 'document';

/** Either the exact purl, or a name, narrowed by type and version where these are given. */
export type PackageQuery = { purl: string } | { name: string; type?: string; version?: string };

export interface ImageWithPackage {
  /** Config or manifest digest. */
  imageDigest: string;
  kind: 'sbom' | 'inventory';
  package: PackageName;
}

/** Keeps contents between restarts. What is kept is checked when it is read: damaged is as good as not there. */
export interface ContentsCache {
  hasContentsChunk(hash: string): boolean;
  putContentsChunks(chunks: readonly Chunk[]): void;
  /** The chunk's bytes; undefined when it is not there or damaged. */
  getContentsChunk(hash: string): Buffer | undefined;
  /** Whatever these names meant before, they mean this now. All chunks of the head must have been put. */
  putContents(names: readonly string[], kind: ContentsKind, head: ContentsHead): void;
  getContents(name: string, kind: ContentsKind): ContentsHead | undefined;
  /** Images that contain the package, at most `limit`. */
  imagesWithPackage(query: PackageQuery, limit: number): ImageWithPackage[];
}
