import { ExecutableLayer } from '../../proto/generated/tallyman/v1/process.ts';
import type { StoredObservation } from '../store/store.ts';
import type { TruthSide } from './compare.ts';

/** Programs of the image's layers that were executed, by their paths. */
export function executedPaths(observations: readonly StoredObservation[]): string[] {
  const paths = new Set<string>();
  for (const { kind, fact } of observations) {
    if (kind !== 'executed') continue;
    const { executablePath, layer } = JSON.parse(fact) as { executablePath?: unknown; layer?: unknown };
    if (typeof executablePath === 'string' && executablePath !== '' && layer === ExecutableLayer.IMAGE)
      paths.add(executablePath);
  }
  return [...paths];
}

/** Of these the ones that nobody counts among a package, where at least one lists files at all. */
export function unlistedOf(paths: readonly string[], sides: readonly (TruthSide | undefined)[]): string[] {
  const asked = sides.filter((side) => side !== undefined);
  return paths
    .filter((path) => {
      const states = asked.map((side) => side.ownerOf(path).state);
      return states.includes('unowned') && !states.includes('owned');
    })
    .sort();
}
