import { escapeDeep } from './escape-deep.ts';
import { at, listAt, numberAt, textAt } from './json-path.ts';
import { labelled } from './labelled.ts';
import { outcome, outcomeOf } from './outcome.ts';
import type { Screen } from './style.ts';

const labelColumns = 12;

/** What an image declares, contains and executed, as GET /api/v1/images/:ref/truth answers it. */
export function truthPage(answer: unknown, screen: Screen): string[] {
  const truth = escapeDeep(answer);
  const line = (label: string, text: string): string[] =>
    labelled(label, text, screen, labelColumns).map((shown) => shown.slice(2));
  const lists = ([...differenceTexts, ...executedTexts] as const).flatMap(([path, title]) =>
    listLines(at(truth, ...path), title, screen),
  );
  return [
    ...line('image', textAt(truth, 'reference') ?? 'not named'),
    ...line('declared', declaredText(at(truth, 'declared'), screen)),
    ...line('contained', containedText(at(truth, 'contained'))),
    ...line('executed', executedText(at(truth, 'executed'))),
    ...line('truth', summaryOf(truth)),
    ...lists,
    ...line('not told', knownText(at(truth, 'differences', 'known'))),
  ];
}

/** The line of it on the page of the image; none when nobody could look into it. */
export function truthLine(answer: unknown, screen: Screen): string[] {
  if (answer === undefined) return [];
  const text = summaryOf(escapeDeep(answer));
  return labelled('truth', `${text} (--truth lists it)`, screen, labelColumns).map((shown) => shown.slice(2));
}

const differenceTexts = [
  [['differences', 'missingFromSbom'], 'in the image, not in the SBOM'],
  [['differences', 'notInImage'], 'in the SBOM, not in the image'],
  [['differences', 'otherVersion'], 'in another version'],
  [['differences', 'otherHash'], 'files with another content'],
] as const;
const executedTexts = [[['executed', 'unlisted'], 'executed, and of no package']] as const;

/** In one line. */
export function summaryOf(truth: unknown): string {
  if (at(truth, 'differences') === undefined) return notComparedText(at(truth, 'contained'));
  const parts = differenceTexts.flatMap(([path, title]) => {
    const total = numberAt(truth, ...path, 'total') ?? 0;
    return total === 0 ? [] : [`${total} ${title}`];
  });
  return parts.length === 0 ? 'the SBOM says what the image contains' : parts.join(', ');
}

function notComparedText(contained: unknown): string {
  const packages = numberAt(contained, 'packages');
  if (packages === undefined) return `cannot be compared: inventory ${textAt(contained, 'inventory') ?? 'none'}`;
  return `cannot be compared: the image contains ${packages} packages, and there is no SBOM of it`;
}

function declaredText(declared: unknown, screen: Screen): string {
  const packages = numberAt(declared, 'packages');
  const words = [
    outcome(outcomeOf(textAt(declared, 'outcome')), screen),
    textAt(declared, 'reason'),
    packages === undefined ? undefined : `${packages} packages`,
    textAt(declared, 'generator'),
  ];
  return words.filter((word) => word !== undefined && word !== '').join('  ');
}

function containedText(contained: unknown): string {
  const packages = numberAt(contained, 'packages');
  const incomplete = textAt(contained, 'incomplete');
  const state = textAt(contained, 'inventory') ?? 'none';
  const words = [`inventory ${state}`, packages === undefined ? undefined : `${packages} packages`];
  if (incomplete !== undefined) words.push(`not complete: ${incomplete}`);
  return words.filter((word) => word !== undefined).join('  ');
}

function executedText(executed: unknown): string {
  const programs = numberAt(executed, 'programs') ?? 0;
  const unlisted = numberAt(executed, 'unlisted', 'total') ?? 0;
  return `${programs} programs of the image${unlisted === 0 ? '' : `, ${unlisted} of them of no package`}`;
}

function listLines(list: unknown, title: string, screen: Screen): string[] {
  const total = numberAt(list, 'total') ?? 0;
  if (total === 0) return [];
  const entries = listAt(list, 'entries').map((entry) => `  ${String(entry)}`);
  const more = total > entries.length ? [`  … ${total - entries.length} more`] : [];
  return ['', screen.paint('strong', `${title} (${total})`), ...entries, ...more];
}

function knownText(known: unknown): string {
  if (typeof known !== 'object' || known === null) return '';
  return Object.entries(known)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
}
