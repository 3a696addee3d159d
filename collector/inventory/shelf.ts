import { LRUCache } from 'lru-cache';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Inventory } from '../../common/inventory.ts';
import { decodeInventory } from '../../common/inventory-document/decode.ts';
import type { Logger } from '../../common/logger.ts';
import type { Store } from '../store/store.ts';
import { InventorySide } from '../truth/inventory-side.ts';
import { documentKey, inventoryMediaType } from './document.ts';

/** Inventories in memory; the others are read again from their documents. */
const maxHeld = 8;

/** The inventories that agents delivered, kept as their documents. */
export class InventoryShelf {
  readonly #store: Pick<Store, 'getDocument' | 'putDocument'>;
  readonly #logger: Logger;
  readonly #held = new LRUCache<string, InventorySide>({ max: maxHeld });

  constructor(store: Pick<Store, 'getDocument' | 'putDocument'>, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** @throws CodedError<'store-not-kept'>: it is to be delivered again */
  put(imageKey: string, inventory: Inventory, document: Buffer): void {
    this.#store.putDocument(documentKey(imageKey), inventoryMediaType, document);
    if (this.#store.getDocument(documentKey(imageKey)) === undefined)
      throw new CodedError('store-not-kept', 'the store could not keep the inventory');
    this.#held.set(imageKey, new InventorySide(inventory));
  }

  /** Undefined when there is none, or the document is damaged. */
  async get(imageKey: string): Promise<InventorySide | undefined> {
    const held = this.#held.get(imageKey);
    const document = held === undefined ? this.#store.getDocument(documentKey(imageKey)) : undefined;
    if (document === undefined) return held;
    try {
      const side = new InventorySide(await decodeInventory(document));
      this.#held.set(imageKey, side);
      return side;
    } catch (error) {
      this.#logger.error({ imageDigest: imageKey }, `a stored inventory cannot be read: ${errorText(error)}`);
      return undefined;
    }
  }
}
