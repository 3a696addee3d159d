import { stateTone } from './baseline-table.ts';
import { escapeDeep } from './escape-deep.ts';
import { at, booleanAt, listAt, numberAt, textAt, textsAt } from './json-path.ts';
import { labelled } from './labelled.ts';
import type { Screen } from './style.ts';
import { renderTable } from './table.ts';
import { dateTime, duration } from './time.ts';

const maxOpenShown = 20;

/** What GET /api/v1/baselines/ID answers, for people. */
export function baselinePage(answer: unknown, screen: Screen): string[] {
  const one = escapeDeep(answer);
  const facts = listAt(one, 'facts');
  const withStatus = (status: string) => facts.filter((fact) => textAt(fact, 'status') === status);
  return [
    ...head(one, screen),
    ...section('expected', withStatus('learned'), screen),
    ...section(
      'candidates: seen since it was ready, not expected; `baseline apply` accepts them',
      withStatus('candidate'),
      screen,
    ),
    ...section('refused: seen beside an alert while it was learned', withStatus('refused'), screen),
  ];
}

/** A line of a baseline, already escaped, as people write it down. */
export function factText(fact: unknown): string {
  const program = textAt(fact, 'executablePath');
  const by = program === undefined ? '' : ` by ${program}`;
  const port = numberAt(fact, 'port') ?? 0;
  switch (textAt(fact, 'kind')) {
    case 'executable': {
      const parent = textAt(fact, 'parentPath');
      const from = parent === undefined ? 'from outside' : parent === '*' ? 'from any program' : `from ${parent}`;
      return `executable ${textAt(fact, 'path')} ${from}: ${textAt(fact, 'argumentShape') ?? 'any arguments'}`;
    }
    case 'destination': {
      const where = textAt(fact, 'name') ?? textAt(fact, 'address');
      return `destination ${textAt(fact, 'transport')} ${where} port ${port === 0 ? 'any' : port}${by}`;
    }
    case 'listen':
      return `listen ${textAt(fact, 'transport')} port ${port === 0 ? 'any from 32768' : port}${by}`;
    case 'capability':
      return `capability ${textAt(fact, 'capabilityName')}${by}`;
    default:
      return 'unknown';
  }
}

function head(one: unknown, screen: Screen): string[] {
  const state = textAt(one, 'state') ?? 'unknown';
  const reason = textAt(one, 'reason');
  const frozen = booleanAt(one, 'frozen') === true ? ' (frozen)' : '';
  const workload = textAt(one, 'workload') ?? 'any container';
  const since = textAt(one, 'since');
  const label = (name: string, text: string | undefined): string[] => labelled(name, text ?? '', screen, 12);
  return [
    `${screen.paint(stateTone(state), `● ${state}${frozen}`)}  ${screen.paint('strong', workload)}`,
    ...label('why', reason),
    ...label('since', since === undefined ? undefined : shownTime(since, screen)),
    ...label('id', textAt(one, 'id')),
    ...label('version', textAt(one, 'version')),
    ...label('image', `${textAt(one, 'repository') ?? 'without a name'}@${textAt(one, 'digest')}`),
    ...label('learned', learnedText(one, screen)),
    ...label('inherited', textAt(one, 'inheritedFrom')),
    ...label('open', openText(one)),
    ...label('not kept', notKeptText(one)),
  ];
}

function learnedText(one: unknown, screen: Screen): string {
  const containers = numberAt(one, 'containers') ?? 0;
  const watched = duration((numberAt(one, 'observedSeconds') ?? 0) * 1_000);
  const from = textAt(one, 'learningSince');
  const until = textAt(one, 'learnedUntil');
  const applied = booleanAt(one, 'applied') === true ? ', edited by people' : '';
  const span = `${from === undefined ? '' : ` since ${shownTime(from, screen)}`}${until === undefined ? '' : ` until ${shownTime(until, screen)}`}`;
  return `${containers} containers seen from their start, watched for ${watched},${span}${applied}`;
}

function openText(one: unknown): string | undefined {
  const paths = textsAt(one, 'openPaths');
  const isAny = booleanAt(one, 'newPathsOpen') === true;
  if (paths.length === 0 && !isAny) return undefined;
  const shown = paths.slice(0, maxOpenShown).join(' ');
  const more = paths.length > maxOpenShown ? ` and ${paths.length - maxOpenShown} more` : '';
  return [isAny ? 'programs that are not listed' : '', `${shown}${more}`, textAt(one, 'openNote') ?? '']
    .filter((text) => text !== '')
    .join('; ');
}

function notKeptText(one: unknown): string | undefined {
  const learned = Object.entries((at(one, 'beyondBound', 'learned') ?? {}) as Record<string, unknown>);
  const unlearned = numberAt(one, 'beyondBound', 'unlearned') ?? 0;
  const texts = learned.map(([kind, count]) => `${count} of kind ${kind}`);
  if (unlearned > 0) texts.push(`${unlearned} candidates`);
  return texts.length === 0 ? undefined : texts.join(', ');
}

function section(title: string, facts: readonly unknown[], screen: Screen): string[] {
  if (facts.length === 0) return [];
  const columns = [
    { title: 'WHAT', text: (fact: unknown) => noted(fact), flexible: true },
    { title: 'REPORTS', text: (fact: unknown) => String(numberAt(fact, 'reports') ?? 0) },
    { title: 'FIRST SEEN', text: (fact: unknown) => shownTime(textAt(fact, 'firstSeen'), screen) },
    { title: 'LAST SEEN', text: (fact: unknown) => shownTime(textAt(fact, 'lastSeen'), screen) },
  ];
  return ['', screen.paint('strong', title), ...renderTable(columns, facts, screen)];
}

function noted(fact: unknown): string {
  const note = textAt(fact, 'note');
  return note === undefined ? factText(fact) : `${factText(fact)} (${note})`;
}

function shownTime(text: string | undefined, screen: Screen): string {
  const unixMs = Date.parse(text ?? '');
  return Number.isNaN(unixMs) ? 'never' : dateTime(unixMs, screen);
}
