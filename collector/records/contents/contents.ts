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

/**
 * Whether /bin, /sbin and /lib are links into /usr: read from the image's own links, known or guessed for an SBOM, which
 * has none.
 */
export type UsrMerge = 'links' | 'known' | 'likely' | 'no';

/** What an image contains, as plain data: how readers hand it on. Numbers are positions in `components`. */
export interface Contents {
  source: ContentsSource;
  /** True when `files` has every file of the image. */
  listsAllFiles: boolean;
  usrMerge: UsrMerge;
  /** Why a file without owner may have one nevertheless; "" when nothing is known to be missing. */
  incomplete: string;
  components: readonly Component[];
  /** In any order, each path once. */
  files: readonly ContentFile[];
  /** Component → directories that belong to it as a whole. */
  directories: ReadonlyMap<number, readonly string[]>;
  /** Language package → distribution packages that own its files. */
  distributors: ReadonlyMap<number, readonly number[]>;
}

/** The packages and files of an image, ready for questions. */
export interface ContentsIndex {
  readonly source: ContentsSource;
  readonly components: readonly Component[];
  readonly fileCount: number;
  /** Files that a package lists as its own. */
  readonly ownedFileCount: number;
  /** True when it lists every file of the image, so that a path that is missing here is not in the image. */
  readonly listsAllFiles: boolean;
  /** The algorithm of docs: exact, alias, directory, evident, hash; `sha256` in hex when known. */
  ownerOf(path: string, sha256?: string): Ownership;
  /** After links. */
  file(path: string): ContentFile | undefined;
  /** Sorted by layer, then by path. */
  files(): Iterable<ContentFile>;
}
