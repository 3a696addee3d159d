import { CodedError } from '../../common/errors.ts';
import type { Store } from '../store/store.ts';

/** The document of proto/tallyman/v1/inventory.proto. */
export const inventoryMediaType = 'application/vnd.tallyman.inventory.v1+zstd';

/** Under which the document of an image's inventory is kept. */
export function documentKey(imageKey: string): string {
  return `inventory ${imageKey}`;
}

/** Keeps the document, from which SBOMs are written. @throws CodedError<'store-not-kept'>: it is to be delivered again */
export function keepDocument(
  store: Pick<Store, 'hasDocument' | 'putDocument'>,
  imageKey: string,
  document: Buffer,
): void {
  store.putDocument(documentKey(imageKey), inventoryMediaType, document);
  if (!store.hasDocument(documentKey(imageKey)))
    throw new CodedError('store-not-kept', 'the store could not keep the inventory');
}
