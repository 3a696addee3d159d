/** What an image contains, as its package databases and files say; read from its layers, never from a running container. */
export interface Inventory {
  /** From os-release; undefined when the image has none. */
  distribution: Distribution | undefined;
  /** Digests of the uncompressed layers, lowest first; "" where the digest of a layer is not known. */
  layers: readonly string[];
  packages: readonly InventoryPackage[];
  /** Regular files and symbolic links, after whiteouts, sorted by path. No directories, devices, sockets. */
  files: readonly InventoryFile[];
  /** What could not be read or was cut. An inventory with problems is good for what it has, not for what it lacks. */
  problems: readonly InventoryProblem[];
}

/** https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export interface Distribution {
  /** "debian" */
  id: string;
  /** "12"; empty on rolling releases. */
  versionId: string;
  idLike: readonly string[];
}

/** The purl type (https://github.com/package-url/purl-spec). */
export type PackageType = 'deb' | 'apk' | 'rpm' | 'npm' | 'pypi' | 'golang' | 'maven' | 'gem' | 'cargo';

export interface InventoryPackage {
  type: PackageType;
  name: string;
  version: string;
  purl: string;
  /** Empty: the format has none, or it is not told. */
  architecture: string;
  /** Source package, which is what distributions' advisories name; "" when it is the package itself or there is none. */
  sourceName: string;
  sourceVersion: string;
  /** As declared: SPDX expressions or free text. */
  licenses: readonly string[];
  /** Position in `layers` of the lowest layer whose database has this package in this version; -1: not known. */
  layer: number;
  /** The database or file it was read from, a path in the image. */
  location: string;
  /** Directories that belong to it as a whole (language packages); nested ones belong to their own packages. */
  directories: readonly string[];
}

export interface InventoryFile {
  /** Absolute, canonical: no parent directory is a symbolic link. */
  path: string;
  kind: 'file' | 'symlink';
  /** As written in the link; "" for files. */
  linkTarget: string;
  /** Positions in `packages` of those that claim exactly this path (list of files), best first. */
  owners: readonly number[];
  /** Positions in `packages` of those this file is the evidence of: a Go binary and its modules, a jar. */
  evidenceOf: readonly number[];
  /** Position in `layers` of the layer the file comes from. */
  layer: number;
  sizeBytes: number;
  /** Permission bits with setuid, setgid and sticky: 0o4755. */
  mode: number;
  /** What the package database says it should be: "md5:…", "sha1:…", "sha256:…" in hex; "" when it does not. */
  declaredDigest: string;
}

export interface InventoryProblem {
  /** The reader: "dpkg", "rpm", "tree"… */
  reader: string;
  /** Path in the image. */
  path: string;
  /** "malformed", "too-large", "unsupported", "unreadable", "limit", "timeout" */
  code: string;
  /** In words: what was found and what follows. */
  reason: string;
}

/** Bounds of one inventory. */
export const inventoryLimits = {
  maxPackages: 100_000,
  maxFiles: 2_000_000,
  maxProblems: 1_000,
  maxPathBytes: 4_096,
  maxTextLength: 4_096,
  maxOwnersPerFile: 64,
  maxEvidencePerFile: 10_000,
  maxDirectoriesPerPackage: 256,
} as const;
