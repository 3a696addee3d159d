import { ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { imageQueryOf } from '../correlate/image-query.ts';
import type { Store, StoredContainer } from '../store/store.ts';
import { imageKeyOf } from './image-key.ts';

/** Containers of an image that run, those that were reported last first. */
export function runningContainersOf(store: Pick<Store, 'listContainers'>, imageKey: string): StoredContainer[] {
  return store.listContainers().filter(({ container }) => {
    if (container.state === ContainerState.EXITED || container.sandbox) return false;
    const query = imageQueryOf(container);
    return query !== undefined && imageKeyOf(query) === imageKey;
  });
}
