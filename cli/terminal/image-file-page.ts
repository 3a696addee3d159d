import { escapeDeep } from './escape-deep.ts';
import { at, listAt, numberAt, textAt } from './json-path.ts';
import { labelled } from './labelled.ts';
import type { Screen } from './style.ts';

const stateWords: Readonly<Record<string, string>> = {
  owned: 'belongs to',
  unowned: 'in the image, claimed by no package',
  'no-ownership-data': 'not known',
  'not-in-image': 'not in the image',
};

/** Whose file it is, as GET /api/v1/images/:ref/file answers. */
export function imageFilePage(answer: unknown, screen: Screen): string[] {
  const file = escapeDeep(answer);
  const line = (label: string, text: string | undefined): string[] =>
    labelled(label, text ?? '', screen, 12).map((shown) => shown.slice(2));
  const isOwned = textAt(file, 'state') === 'owned';
  return [
    ...line('image', textAt(file, 'reference') ?? textAt(file, 'identity', 'configDigest') ?? 'not named'),
    ...line('file', pathText(file)),
    ...line('package', isOwned ? ownersText(file) : stateText(file)),
    ...line('how', isOwned ? howText(file) : undefined),
    ...line('layer', textAt(file, 'layerDigest')),
    ...line('digest', digestText(file)),
    ...line('mode', modeText(at(file, 'file'))),
    ...listAt(file, 'answers').flatMap((each) => line(sourceWord(each), answerText(each))),
  ];
}

function pathText(file: unknown): string {
  const path = textAt(file, 'path') ?? '?';
  const canonical = textAt(file, 'canonicalPath');
  return canonical === undefined ? path : `${path} → ${canonical}`;
}

function ownersText(file: unknown): string {
  return listAt(file, 'owners').map(packageText).join(', ') || 'a package without name';
}

function packageText(owner: unknown): string {
  const purl = textAt(owner, 'purl');
  const source = textAt(owner, 'sourceName');
  const name = purl || `${textAt(owner, 'name') ?? '?'} ${textAt(owner, 'version') ?? ''}`.trim();
  return source === undefined ? name : `${name} (source package ${source})`;
}

function stateText(file: unknown): string {
  const state = textAt(file, 'state') ?? '?';
  return [stateWords[state] ?? state, textAt(file, 'reason')].filter((part) => part).join(': ');
}

function howText(file: unknown): string {
  return `${textAt(file, 'method') ?? '?'}, confidence ${textAt(file, 'confidence') ?? '?'}, per ${sourceWord(file)}`;
}

const sourceWord = (answer: unknown): string => {
  const source = textAt(answer, 'source');
  return source === 'sbom' ? 'SBOM' : (source ?? '?');
};

function digestText(file: unknown): string | undefined {
  const digest = textAt(file, 'declaredDigest');
  return digest === undefined ? undefined : `${digest} (as declared)`;
}

function modeText(file: unknown): string | undefined {
  const mode = numberAt(file, 'mode');
  const target = textAt(file, 'linkTarget');
  const bits = mode === undefined ? undefined : `0${mode.toString(8)}`;
  return [bits, target && `link to ${target}`].filter((part) => part).join(', ') || undefined;
}

/** "owned: pkg:deb/… (exact, high)  [SBOM verified, 412 packages, 9000 files]" */
function answerText(answer: unknown): string {
  const isOwned = textAt(answer, 'state') === 'owned';
  const method = `(${textAt(answer, 'method') ?? '?'}, ${textAt(answer, 'confidence') ?? '?'})`;
  const outcome = textAt(answer, 'outcome');
  const facts = [outcome, `${numberAt(answer, 'packages') ?? 0} packages`, `${numberAt(answer, 'files') ?? 0} files`];
  const said = isOwned ? `${ownersText(answer)} ${method}` : stateText(answer);
  return `${said}  [${facts.filter((fact) => fact !== undefined).join(', ')}]`;
}
