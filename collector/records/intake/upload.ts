import type { DocumentKind } from './document-kind.ts';

/** A paper that was brought instead of found in a registry. */
export interface Upload {
  /** Of the index, the manifest or the config: any digest of the image. */
  imageDigest: string;
  documentDigest: string;
  /** File name, or what the sender calls it. */
  name: string;
  origin: 'api' | 'directory';
  kind: DocumentKind;
  receivedAtUnixMs: number;
  rawBytes: number;
}

/** Where uploads are kept; each call is durable when it returns. */
export interface UploadStore {
  /** All of them, oldest first. */
  listUploads(): Upload[];
  /** Undefined when it is not there. */
  getUploadedDocument(imageDigest: string, documentDigest: string): Uint8Array | undefined;
  putUpload(upload: Upload, bytes: Uint8Array): void;
  removeUpload(imageDigest: string, documentDigest: string): void;
}

export const uploadLimits = {
  maxDocumentBytes: 64 * 1024 * 1024,
  maxUploadsPerImage: 64,
  maxUploads: 50_000,
  /** Sum of the documents as they came. */
  maxTotalBytes: 4 * 1024 * 1024 * 1024,
  maxNameLength: 256,
} as const;
