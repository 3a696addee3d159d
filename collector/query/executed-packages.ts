import type { ContentsIndex } from '../records/contents/contents.ts';
import { nameKey } from '../records/vulnerability/package-join.ts';
import type { Store, StoredContainer } from '../store/store.ts';

/** Containers whose observations are looked at; those of one image do much the same. */
const maxContainers = 64;

/** When programs of each package were executed last, Unix ms, by `nameKey`; from what agents observed. */
export function executedPackages(
  store: Pick<Store, 'listObservations'>,
  containers: readonly StoredContainer[],
  sbom: Pick<ContentsIndex, 'ownerOf'> | undefined,
): Map<string, number> {
  const executed = new Map<string, number>();
  if (sbom === undefined) return executed;
  const paths = new Map<string, number>();
  for (const { nodeName, container } of containers.slice(0, maxContainers))
    for (const { kind, fact, lastSeenUnixMs } of store.listObservations(nodeName, container.id)) {
      const path = kind === 'executed' ? pathOf(fact) : undefined;
      if (path !== undefined) paths.set(path, Math.max(paths.get(path) ?? 0, lastSeenUnixMs));
    }
  for (const [path, lastSeenUnixMs] of paths) {
    const ownership = sbom.ownerOf(path);
    if (ownership.state !== 'owned') continue;
    for (const owner of ownership.owners) {
      const key = nameKey(owner);
      executed.set(key, Math.max(executed.get(key) ?? 0, lastSeenUnixMs));
    }
  }
  return executed;
}

function pathOf(fact: string): string | undefined {
  const { path } = JSON.parse(fact) as { path?: unknown };
  return typeof path === 'string' && path.startsWith('/') ? path : undefined;
}
