import { escapeDeep } from '../terminal/escape-deep.ts';
import { at, booleanAt, listAt, numberAt, textAt, textsAt } from '../terminal/json-path.ts';
import { labelled, textColumns } from '../terminal/labelled.ts';
import type { Screen, Tone } from '../terminal/style.ts';
import { renderTable } from '../terminal/table.ts';
import { wrap } from '../terminal/text.ts';
import { dateTime, duration } from '../terminal/time.ts';
import { shellLine, yamlText } from './advice-text.ts';

interface Row {
  what: string;
  granted: string;
  use: string;
  verdict: string;
  tone: Tone;
}

/** What GET /api/v1/containers/{id}/privileges answers, for people. */
export function privilegePage(answer: unknown, screen: Screen): string[] {
  const report = escapeDeep(answer);
  return [
    ...head(report, screen),
    '',
    ...renderTable(
      [
        { title: 'CAPABILITY', text: (row: Row) => row.what },
        { title: 'GRANTED', text: (row: Row) => row.granted },
        { title: 'USED', text: (row: Row) => row.use, flexible: true },
        { title: 'ADVICE', text: (row: Row) => row.verdict, paint: (shown, row) => screen.paint(row.tone, shown) },
      ],
      capabilityRows(report, screen),
      screen,
    ),
    '',
    ...deniedLines(report, screen),
    ...userLines(report, screen),
    ...writeLines(report, screen),
    ...portLines(report, screen),
    '',
    ...adviceLines(answer, report, screen),
  ];
}

function head(report: unknown, screen: Screen): string[] {
  const containers = listAt(report, 'containers');
  const [first] = containers;
  const pod = textAt(first, 'podName');
  const name = `${pod === undefined ? '' : `${pod}/`}${textAt(first, 'name') ?? '?'}`;
  const others = containers.length > 1 ? ` and ${containers.length - 1} more of its workload` : '';
  const watched = duration(numberAt(report, 'watch', 'watchedMs') ?? 0);
  const complete = booleanAt(report, 'watch', 'complete') === true;
  const state = complete ? screen.paint('good', 'data complete') : screen.paint('warn', 'data not complete');
  const lines = [`${screen.paint('strong', name)}${others}  watched ${watched}, ${state}`];
  const image = textAt(first, 'image');
  if (image !== undefined) lines.push(screen.paint('dim', image));
  return lines;
}

function capabilityRows(report: unknown, screen: Screen): Row[] {
  return listAt(report, 'capabilities').map((capability) => {
    const keep = booleanAt(capability, 'keep') === true;
    const reason = textAt(capability, 'reason');
    return {
      what: textAt(capability, 'name') ?? '?',
      granted: textAt(capability, 'granted') ?? 'unknown',
      use: useText(capability, screen),
      verdict: `${keep ? 'keep' : 'drop'}${reason === undefined ? '' : `: ${reason}`}`,
      tone: keep ? 'warn' : 'good',
    };
  });
}

/** "nginx in setuid, 2026-11-24 18:00:02 to 18:40:00"; the latest use, and how many others. */
function useText(capability: unknown, screen: Screen): string {
  const evidence = listAt(capability, 'evidence');
  if (evidence.length === 0) return textAt(capability, 'use') === 'file' ? 'by its file' : 'never';
  const more = evidence.length > 1 ? ` and ${evidence.length - 1} more` : '';
  return `${evidenceText(evidence[0], screen)}${more}`;
}

function evidenceText(evidence: unknown, screen: Screen): string {
  const program = textAt(evidence, 'executablePath') ?? 'a program';
  const syscall = textAt(evidence, 'syscallName');
  const first = timeText(textAt(evidence, 'firstSeen'), screen);
  const last = timeText(textAt(evidence, 'lastSeen'), screen);
  const outside = textAt(evidence, 'origin') === 'exec-session' ? ' (put in from outside)' : '';
  const what = syscall === undefined ? program : `${program} in ${syscall}`;
  return `${what}${outside}, ${first === last ? first : `${first} to ${last}`}`;
}

function timeText(iso: string | undefined, screen: Screen): string {
  return iso === undefined ? '?' : dateTime(Date.parse(iso), screen);
}

function deniedLines(report: unknown, screen: Screen): string[] {
  return listAt(report, 'denied').flatMap((denied) =>
    labelled('refused', `${textAt(denied, 'name')} to ${useText(denied, screen)}`, screen, 14),
  );
}

function userLines(report: unknown, screen: Screen): string[] {
  const words = { no: 'no', needed: 'yes, needed', 'not-shown': 'yes, perhaps not needed' } as Record<string, string>;
  const root = words[textAt(report, 'user', 'root') ?? ''] ?? 'not known';
  const ran = listAt(report, 'user', 'ranAs').filter((one) => textAt(one, 'origin') !== 'exec-session');
  const users = [...new Set(ran.map((one) => `${textAt(one, 'executablePath')} as ${numberAt(one, 'uid')}`))];
  const shown = users.slice(0, 8).join(', ') + (users.length > 8 ? `, and ${users.length - 8} more` : '');
  const gained = at(report, 'advice', 'noNewPrivileges');
  return [
    ...labelled('runs as root', `${root}: ${textAt(report, 'user', 'reason') ?? ''}`, screen, 14),
    ...labelled('programs', shown, screen, 14),
    ...labelled('escalation', textAt(gained, 'reason') ?? '', screen, 14),
  ];
}

function writeLines(report: unknown, screen: Screen): string[] {
  const places = listAt(report, 'writes', 'places').map((place) => {
    const owners = listAt(place, 'ownerUids').join(', ');
    const example = textAt(place, 'example');
    const facts = [example, owners === '' ? undefined : `uid ${owners}`].filter((fact) => fact !== undefined);
    return `${textAt(place, 'path')}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
  });
  const unknown = textAt(report, 'writes', 'unknownReason');
  const last = textAt(report, 'writes', 'lastScan');
  const when = last === undefined ? '' : `, looked at ${timeText(last, screen)}`;
  const readOnly = textAt(report, 'writes', 'root') === 'read-only' ? 'nowhere: its root is read-only' : undefined;
  const wrote = readOnly ?? (places.length === 0 ? 'nothing' : places.join(', '));
  const text = unknown === undefined ? `${wrote}${when}` : `not known: ${unknown}; seen: ${wrote}`;
  return labelled('writes', text, screen, 14);
}

function portLines(report: unknown, screen: Screen): string[] {
  const ports = listAt(report, 'ports').map((port) => {
    const by = textAt(port, 'executablePath');
    return `${textAt(port, 'transport')} ${numberAt(port, 'port')}${by === undefined ? '' : ` (${by})`}`;
  });
  return labelled('listens on', [...new Set(ports)].join(', '), screen, 14);
}

function adviceLines(answer: unknown, report: unknown, screen: Screen): string[] {
  const withheld = textsAt(report, 'advice', 'withheld');
  if (withheld.length > 0) {
    const lines = withheld.flatMap((reason) => labelled('-', reason, screen, 2));
    return [screen.paint('warn', 'Nothing is advised:'), ...lines, ...whatToDo(report, screen)];
  }
  const readOnly = at(report, 'advice', 'readOnlyRoot');
  const notes = textsAt(report, 'advice', 'notes');
  if (booleanAt(readOnly, 'advised') !== true)
    notes.unshift(`A read-only root file system is not advised: ${textAt(readOnly, 'reason')}.`);
  return [
    screen.paint('strong', 'docker run'),
    `  ${shellLine(answer)}`,
    '',
    screen.paint('strong', 'Kubernetes'),
    ...yamlText(answer).map((line) => `  ${line}`),
    ...(notes.length === 0 ? [] : ['']),
    ...notes.flatMap((note) => labelled('note', note, screen, 6)),
  ];
}

function whatToDo(report: unknown, screen: Screen): string[] {
  if (textsAt(report, 'watch', 'problems').length === 0) return [];
  const hint =
    'To know it, start the container again while the agent watches, or ask with --workload when another one of its kind was watched as a whole. --min-watch says how long that takes; --despite-gaps prints advice all the same.';
  return ['', ...wrap(hint, textColumns(screen))];
}
