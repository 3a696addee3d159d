import { type Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import type { Store, StoredContainer } from '../store/store.ts';
import { imageKeyOf } from './image-key.ts';

interface Place {
  nodeName: string;
  containerId: string;
}

/** Where images run, by image: looking every container through for one image would take as long as there are containers. */
export class ImagePlaces {
  readonly #store: Pick<Store, 'findContainers'>;
  readonly #places = new Map<string, Map<string, Place>>();

  constructor(store: Pick<Store, 'findContainers'>) {
    this.#store = store;
  }

  /** A container was reported. */
  seen(nodeName: string, container: Container): void {
    const query = imageQueryOf(container);
    const key = query === undefined || container.sandbox ? undefined : imageKeyOf(query);
    if (key === undefined) return;
    const places = this.#places.get(key) ?? new Map<string, Place>();
    const id = `${nodeName} ${container.id}`;
    if (container.state === ContainerState.RUNNING) places.set(id, { nodeName, containerId: container.id });
    else if (container.state === ContainerState.EXITED) places.delete(id);
    if (places.size === 0) this.#places.delete(key);
    else this.#places.set(key, places);
  }

  count(imageKey: string): number {
    return this.#places.get(imageKey)?.size ?? 0;
  }

  /** At most `limit` of the containers that run it. */
  containersOf(imageKey: string, limit: number): StoredContainer[] {
    const found: StoredContainer[] = [];
    for (const { nodeName, containerId } of this.#places.get(imageKey)?.values() ?? []) {
      if (found.length >= limit) break;
      const stored = this.#store.findContainers(containerId, 16).find((one) => one.nodeName === nodeName);
      if (stored !== undefined) found.push(stored);
    }
    return found;
  }
}
