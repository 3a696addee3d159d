import type { Component, SbomFormat } from '../papers.ts';

/** Bounds of what one document may make this process keep. */
export const limits = {
  maxDocumentBytes: 64 * 1024 * 1024,
  maxDepth: 64,
  maxComponents: 100_000,
  /** Owned paths. */
  maxFiles: 2_000_000,
  maxRelationships: 4_000_000,
  maxTextLength: 4096,
  maxOwnersPerPath: 512,
} as const;

/** One or several component numbers; nearly every path has one owner. */
export type Owners = number | readonly number[];

/** An SBOM as read: plain data that can cross threads. Numbers are positions in `components`. */
export interface ParsedSbom {
  format: SbomFormat;
  /** The document's own name. */
  name: string;
  generator: string | undefined;
  createdAt: string | undefined;
  components: readonly Component[];
  /** Absolute path → packages that list the file as theirs. */
  files: ReadonlyMap<string, Owners>;
  /** Absolute path → packages known from this file, as a Go binary is evidence of its modules. */
  evidence: ReadonlyMap<string, Owners>;
  /** Absolute directory → language package that lives in it; -1 when several claim it. */
  directories: ReadonlyMap<string, number>;
  /** Language package → distribution packages that own its files. */
  distributors: ReadonlyMap<number, readonly number[]>;
  /** Whether /bin, /sbin and /lib are links into /usr in this image. */
  usrMerge: 'known' | 'likely' | 'no';
  /** Distribution packages, and how many of them list files. */
  osPackageCount: number;
  osPackagesWithFiles: number;
}
