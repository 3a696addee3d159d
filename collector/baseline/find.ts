import type { Store } from '../store/store.ts';
import type { Baselines } from './baselines.ts';
import type { BaselineHead } from './head.ts';

/**
 * The baselines a person may mean: by id or its beginning, by container (id, beginning of it, name), by workload, repository or
 * digest. The first of these ways that finds something counts.
 */
export function findBaselines(
  baselines: Baselines,
  store: Pick<Store, 'findContainers'>,
  question: string,
): BaselineHead[] {
  const heads = [...baselines.book.heads.values()];
  const byId = /^[0-9a-f]{4,16}$/.test(question) ? heads.filter(({ id }) => id.startsWith(question)) : [];
  if (byId.length > 0) return byId;
  const ids = new Set(
    store
      .findContainers(question, 16)
      .flatMap(({ nodeName, container }) => baselines.idOfContainer(nodeName, container) ?? []),
  );
  if (ids.size > 0) return heads.filter(({ id }) => ids.has(id));
  const byWorkload = heads.filter(({ key }) => key.workload === question);
  if (byWorkload.length > 0) return byWorkload;
  return heads.filter(({ key }) => key.repository === question || key.imageDigest === question);
}
