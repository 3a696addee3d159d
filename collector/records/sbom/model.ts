import type { Contents } from '../contents/contents.ts';
import type { EncodedContents } from '../contents/encode.ts';
import type { SbomFormat } from '../papers.ts';

/** Bounds of what one document may make this process keep. */
export const limits = {
  maxDocumentBytes: 64 * 1024 * 1024,
  maxDepth: 64,
  maxComponents: 100_000,
  /** Paths, of files and directories. */
  maxFiles: 2_000_000,
  maxRelationships: 4_000_000,
  maxTextLength: 4096,
  maxOwnersPerPath: 512,
  maxLicenses: 64,
  maxDescribed: 64,
} as const;

export interface SbomHead {
  format: SbomFormat;
  /** The document's own name. */
  name: string;
  generator: string | undefined;
  createdAt: string | undefined;
  /** Digests ("sha256:…") of images that the document says it is about: config, manifest or index. Empty: it does not say. */
  describes: readonly string[];
}

/** An SBOM as read. */
export interface ParsedSbom extends SbomHead {
  contents: Contents;
}

/** An SBOM as read, its contents ready to be kept; what crosses threads. */
export interface EncodedSbom extends SbomHead {
  contents: EncodedContents;
}
