/** The document of proto/tallyman/v1/inventory.proto. */
export const inventoryMediaType = 'application/vnd.tallyman.inventory.v1+zstd';

/** Under which the document of an image's inventory is kept. */
export function documentKey(imageKey: string): string {
  return `inventory ${imageKey}`;
}
