import { CodedError } from '../errors.ts';

/** Bounds of an inventory on its way. */
export const documentLimits = {
  /** Compressed. */
  maxDocumentBytes: 64 * 1024 * 1024,
  /** All parts of a document. */
  maxRawBytes: 1024 * 1024 * 1024,
  maxPartBytes: 4 * 1024 * 1024,
  maxChunkBytes: 256 * 1024,
  filesPerPart: 4_096,
  packagesPerPart: 512,
} as const;

/** Version of the document's contract. */
export const documentVersion = 1;

/** too-large: beyond a bound. malformed: it contradicts itself, or is none. */
export type InventoryDocumentErrorCode = 'inventory-too-large' | 'inventory-malformed';

export class InventoryDocumentError extends CodedError<InventoryDocumentErrorCode> {}
