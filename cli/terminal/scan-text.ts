import { listAt, numberAt, textAt } from './json-path.ts';

const words = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'];

/** "1 high, 14 low, 1 known to be exploited"; "none known" only where the data is young enough to say so. */
export function scanText(paper: unknown): string | undefined {
  const freshness = textAt(paper, 'freshness');
  if (freshness === undefined || freshness === 'none') return undefined;
  const counts = words.flatMap((word) => {
    const count = numberAt(paper, 'counts', word) ?? 0;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  const exploited = numberAt(paper, 'knownExploited') ?? numberAt(paper, 'known_exploited') ?? 0;
  const known = exploited === 0 ? [] : [`${exploited} known to be exploited`];
  const [source] = listAt(paper, 'sources');
  const date = (textAt(source, 'dataDate') ?? textAt(source, 'data_date'))?.slice(0, 10);
  const by = `${textAt(source, 'name') ?? '?'} ${date ?? 'of unknown age'}`;
  if (freshness === 'stale')
    return `${by} (too old): ${[...counts, ...known].join(', ') || 'says nothing about today'}`;
  return `${by}: ${[...counts, ...known].join(', ') || 'none known'}`;
}
