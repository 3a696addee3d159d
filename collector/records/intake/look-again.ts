import { imageQueryOf } from '../../correlate/image-query.ts';
import type { Store } from '../../store/store.ts';
import type { Records } from '../papers.ts';
import { digestsOfImage } from './open-uploads.ts';
import type { Uploads } from './uploads.ts';

/** A directory of many papers is one look through the containers, not one per file. */
const gatherMs = 1_000;

/** Looks the images of known containers up again when papers were brought for them. Answers the way to stop. */
export function lookAgainOnUploads(
  uploads: Uploads,
  store: Pick<Store, 'listContainers'>,
  records: Pick<Records, 'peek'>,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    const asked = new Set<string>();
    for (const { container } of store.listContainers()) {
      const query = imageQueryOf(container);
      if (query === undefined) continue;
      const key = digestsOfImage(query, undefined).join(' ') || query.reference;
      // Whoever is out of date is looked up again; all others answer from memory.
      if (!asked.has(key)) records.peek(query);
      asked.add(key);
    }
  };
  const stop = uploads.onChange(() => {
    timer ??= setTimeout(look, gatherMs);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}
