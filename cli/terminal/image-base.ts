import { at, listAt, numberAt, textAt } from './json-path.ts';
import { outcome, outcomeOf, outcomeSign } from './outcome.ts';
import type { Screen } from './style.ts';

const dayMs = 24 * 3_600_000;

/** "✔ verified  docker.io/library/debian:12-slim@sha256:…, approved, 41 days behind" */
export function baseText(base: unknown, nowUnixMs: number, screen: Screen): string {
  if (base === undefined || base === null) return '';
  const [name, ...others] = listAt(base, 'names').filter((item) => typeof item === 'string');
  const digest = textAt(base, 'digest');
  const shown = name === undefined || digest === undefined || name.includes('@') ? name : `${name}@${digest}`;
  const created = Date.parse(textAt(base, 'createdAt') ?? '');
  const newest = Date.parse(textAt(base, 'newestCreatedAt') ?? '');
  const layers = numberAt(base, 'layerCount');
  // Its digest is shown beside the first name already.
  const same = others.filter((other) => other !== name && !(digest !== undefined && other.endsWith(digest)));
  const words = [
    outcome(outcomeOf(textAt(base, 'outcome')), screen),
    shown,
    textAt(base, 'reason'),
    layers && `${layers} ${layers === 1 ? 'layer' : 'layers'}`,
    Number.isNaN(created) || Number.isNaN(nowUnixMs) ? undefined : `${days(nowUnixMs - created)} old`,
    newest > created ? `${days(newest - created)} behind` : undefined,
    same.length === 0 ? undefined : `same layers: ${same.join(', ')}`,
  ];
  return words.filter((word) => word !== undefined && word !== 0).join('  ');
}

function days(ms: number): string {
  const count = Math.max(0, Math.floor(ms / dayMs));
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}

/** Where the image is from and how it is named, where something is expected of it. */
export function placeText(clauses: readonly unknown[], screen: Screen): string {
  const expected = clauses.filter((clause) => listAt(at(clause), 'expected').length > 0);
  const texts = expected.map((clause) => {
    const word = outcomeOf(textAt(clause, 'outcome'));
    return `${outcomeSign(word, screen)} ${textAt(clause, 'name')}: ${word}, ${textAt(clause, 'reason')}`;
  });
  return texts.join('   ');
}
