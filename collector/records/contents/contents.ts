import type { Component, Ownership } from '../papers.ts';

/** Where contents come from: what the builder declared, or what was found in the image. */
export type ContentsSource = 'sbom' | 'inventory';

export interface ContentFile {
  path: string;
  /** Positions in `components`: who lists the file. */
  owners: readonly number[];
  /** Positions in `components`: whom the file is the evidence of. */
  evidenceOf: readonly number[];
  /** Diff id; "" when not known. */
  layerDigest: string;
  /** Undefined: not a link, or the source does not tell. */
  linkTarget: string | undefined;
  /** Undefined: the source does not tell. */
  mode: number | undefined;
  /** "sha256:…", "sha1:…", "md5:…" as declared; "" when not told. */
  digest: string;
}

/** The packages and files of an image, ready for questions. */
export interface ContentsIndex {
  readonly source: ContentsSource;
  readonly components: readonly Component[];
  readonly fileCount: number;
  /** True when it lists every file of the image, so that a path that is missing here is not in the image. */
  readonly listsAllFiles: boolean;
  /** The algorithm of docs: exact, alias, directory, evident, hash; `sha256` in hex when known. */
  ownerOf(path: string, sha256?: string): Ownership;
  /** After links. */
  file(path: string): ContentFile | undefined;
  files(): Iterable<ContentFile>;
}
