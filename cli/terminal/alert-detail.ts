import { completeness, entryLine, headline, points, repeatsText, shortId } from './alert-block.ts';
import type { AlertView, PaperView, ProcessView } from './alert-view.ts';
import { listAt, numberAt, textAt } from './json-path.ts';
import { labelled as labelledAt, textColumns } from './labelled.ts';
import { outcome, outcomeOf } from './outcome.ts';
import type { Screen } from './style.ts';
import { padEnd, truncate, wrap } from './text.ts';
import { dateTime, duration, timeOfDay } from './time.ts';

const labelled = (label: string, shown: string, screen: Screen): string[] => labelledAt(label, shown, screen, 12);

/** All that is known of one alert, for the morning after. `others`: alerts of the same container, any order. */
export function alertDetail(alert: AlertView, others: readonly AlertView[], screen: Screen): string[] {
  return [
    headline(alert, screen),
    ...wrap(alert.sentence, textColumns(screen) - 2).map((line) => `  ${line}`),
    ...section('severity', severityLines(alert, screen), screen),
    ...section('process', processTree(alert, screen), screen),
    ...section('image', imageLines(alert, screen), screen),
    ...section('papers', paperLines(alert, screen), screen),
    ...section('container', containerLines(alert, screen), screen),
    ...section('what to do first', alert.remediation === undefined ? [] : text(alert.remediation, screen), screen),
    ...section('other alerts of this container, one hour around', otherLines(alert, others, screen), screen),
    ...section('record', recordLines(alert, screen), screen),
  ];
}

function section(title: string, lines: readonly string[], screen: Screen): string[] {
  return lines.length === 0 ? [] : ['', screen.paint('strong', title), ...lines];
}

const text = (words: string, screen: Screen): string[] =>
  wrap(words, textColumns(screen) - 2).map((line) => `  ${line}`);

/** One step a line, with the sum so far, so that the score can be followed. */
function severityLines(alert: AlertView, screen: Screen): string[] {
  let sum = 0;
  const steps = alert.reasons.flatMap((reason) => {
    sum += reason.points;
    const head = `  ${points(reason).padStart(4)} ${String(sum).padStart(4)}  `;
    return wrap(reason.text, textColumns(screen) - head.length).map(
      (line, index) => (index === 0 ? head : ' '.repeat(head.length)) + line,
    );
  });
  if (alert.score === undefined) return steps;
  const policy = alert.policyVersion === undefined ? '' : `, policy ${alert.policyVersion}`;
  return [...steps, `  = ${alert.score}, ${alert.severity}${policy}`];
}

function processTree(alert: AlertView, screen: Screen): string[] {
  const lines = alert.processes.flatMap((process, depth) => processLines(process, depth, alert, screen));
  if (lines.length > 0 && !alert.ancestryComplete)
    lines.unshift(`  ${screen.paint('warn', '? earlier ancestors are not known')}`);
  return alert.network === undefined ? lines : [...lines, ...labelled('network', alert.network, screen)];
}

function processLines(process: ProcessView, depth: number, alert: AlertView, screen: Screen): string[] {
  const branch = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `;
  const started = process.createdUnixMs === undefined ? ' '.repeat(12) : timeOfDay(process.createdUnixMs, screen);
  const margin = `  ${padEnd(started, 12)}  `;
  const acting = depth === alert.processes.length - 1;
  const command = process.commandLine ?? process.path ?? process.name;
  const facts = [
    process.path === undefined ? undefined : `program ${process.path}`,
    process.pid === undefined ? undefined : `pid ${process.pid} on the node`,
    process.containerPid === undefined ? undefined : `${process.containerPid} in the container`,
    process.user === undefined ? undefined : `user ${process.user}`,
    lifetime(process),
  ].filter((fact) => fact !== undefined);
  const inner = ' '.repeat(margin.length + branch.length);
  const room = Math.max(20, textColumns(screen) - inner.length);
  const [first = '', ...rest] = wrap(command, room);
  return [
    `${screen.paint('dim', margin)}${branch}${acting ? screen.paint('bad', first) : first}`,
    ...rest.map((line) => inner + line),
    ...wrap(facts.join(', '), room).map((line) => inner + screen.paint('dim', line)),
  ];
}

function lifetime(process: ProcessView): string | undefined {
  if (process.endedUnixMs === undefined || process.createdUnixMs === undefined) return undefined;
  return `lived ${duration(process.endedUnixMs - process.createdUnixMs)}`;
}

function imageLines(alert: AlertView, screen: Screen): string[] {
  return [...labelled('image', alert.image ?? 'not known', screen), ...labelled('entry', entryLine(alert), screen)];
}

function paperLines(alert: AlertView, screen: Screen): string[] {
  return [
    ...paper('signature', alert.signature, [], screen),
    ...listAt(alert.signature.data, 'records').flatMap((record) => signatureRecord(record, screen)),
    ...paper(
      'provenance',
      alert.provenance,
      facts(alert.provenance, ['source_uri', 'source'], ['builder_id', 'builder']),
      screen,
    ),
    ...paper(
      'SBOM',
      alert.sbom,
      [...sbomCount(alert.sbom), ...facts(alert.sbom, ['format', ''], ['created', 'made'])],
      screen,
    ),
  ];
}

function paper(name: string, shown: PaperView, more: readonly string[], screen: Screen): string[] {
  const signer = shown.signer === undefined ? [] : [`signed by ${shown.signer}`];
  const words = [outcome(shown.outcome, screen), shown.reason ?? 'no reason given', ...signer, ...more];
  return labelled(name, words.join('  '), screen);
}

function signatureRecord(record: unknown, screen: Screen): string[] {
  const word = outcome(outcomeOf(textAt(record, 'outcome')), screen);
  const words = [word, textAt(record, 'format'), textAt(record, 'source'), textAt(record, 'reason')];
  return labelled('', words.filter((part) => part !== undefined).join('  '), screen);
}

function facts(shown: PaperView, ...fields: readonly (readonly [string, string])[]): string[] {
  return fields.flatMap(([field, label]) => {
    const found = textAt(shown.data, field);
    return found === undefined ? [] : [`${label} ${found}`.trim()];
  });
}

function sbomCount(sbom: PaperView): string[] {
  const count = numberAt(sbom.data, 'component_count') ?? 0;
  return count === 0 ? [] : [`${count} packages`];
}

function containerLines(alert: AlertView, screen: Screen): string[] {
  const { level, facts: postureFacts } = alert.posture;
  return [
    ...labelled('name', alert.container, screen),
    ...labelled('id', alert.containerId ?? 'not known', screen),
    ...labelled(
      'posture',
      [level ?? 'not known', postureFacts.join(', ')].filter((part) => part !== '').join(': '),
      screen,
    ),
  ];
}

function otherLines(alert: AlertView, others: readonly AlertView[], screen: Screen): string[] {
  return others
    .filter(({ id }) => id !== alert.id)
    .sort((one, other) => one.timeUnixMs - other.timeUnixMs)
    .map((other) => {
      const line = `${timeOfDay(other.timeUnixMs, screen)}  ${other.severity.padEnd(8)}  ${other.ruleId}  ${other.sentence}`;
      const id = shortId(other.id);
      return `  ${truncate(line, textColumns(screen) - 4 - id.length)}  ${screen.paint('dim', id)}`;
    });
}

function recordLines(alert: AlertView, screen: Screen): string[] {
  return [
    ...labelled('time', dateTime(alert.timeUnixMs, screen), screen),
    ...labelled('data', completeness(alert), screen),
    ...labelled('trimmed', alert.trimmed.join(', '), screen),
    ...labelled('repeats', alert.repeats === 0 ? '' : repeatsText(alert, screen), screen),
    ...labelled('ATT&CK', alert.techniques.join(', '), screen),
    ...labelled('trace', alert.traceId ?? '', screen),
    ...labelled('alert', alert.id, screen),
  ];
}
