import type { AlertView, OwnershipView, PaperView, ProcessView, ReasonView } from './alert-view.ts';
import { listAt, numberAt, textAt } from './json-path.ts';
import { labelled, textColumns, unbroken } from './labelled.ts';
import { outcome } from './outcome.ts';
import { scanText } from './scan-text.ts';
import { severityTone } from './severity-tone.ts';
import type { Screen } from './style.ts';
import { truncate, wrap } from './text.ts';
import { timeOfDay } from './time.ts';

const maxArgumentColumns = 60;

/** One block per alert, the worst word first; readable without a second tool. */
export function alertBlock(alert: AlertView, screen: Screen): string[] {
  return [
    headline(alert, screen),
    ...wrap(alert.sentence, textColumns(screen) - 2).map((line) => `  ${line}`),
    ...labelled('why', whyLine(alert), screen),
    ...labelled('process', processLine(alert), screen),
    ...labelled('network', alert.network ?? '', screen),
    ...labelled('image', alert.image ?? 'not known', screen),
    ...labelled('papers', papersLine(alert, screen), screen),
    ...labelled('entry', entryLine(alert), screen),
    ...labelled('data', dataLine(alert, screen), screen),
  ];
}

export function headline(alert: AlertView, screen: Screen): string {
  const severity = screen.paint(severityTone(alert.severity), `● ${alert.severity.toUpperCase()}`);
  const where = [alert.namespace, alert.container].filter((part) => part !== undefined).join('/');
  return [severity, screen.paint('strong', alert.ruleId), timeOfDay(alert.timeUnixMs, screen), where, alert.node].join(
    '  ',
  );
}

/** The reasons that counted; `tallyman alert` shows the others as well. */
function whyLine(alert: AlertView): string {
  const counted = alert.reasons.filter((reason) => reason.points !== 0);
  const reasons = counted.map((reason) => `${reason.text} ${points(reason)}`);
  const score = alert.score === undefined ? [] : [`score ${alert.score}`];
  return [...reasons, ...score].join(' · ');
}

export function points(reason: ReasonView): string {
  if (reason.points === 0) return '';
  return reason.points > 0 ? `+${reason.points}` : `−${-reason.points}`;
}

function processLine({ processes, ancestryComplete }: AlertView): string {
  const shown = processes.map((process, index) => unbroken(processText(process, index === processes.length - 1)));
  if (shown.length > 0 && !ancestryComplete) shown.unshift('?');
  return shown.join(' → ');
}

/**
 * "sh -c 'curl … | sh'(38)": ancestors by name, the acting process by its path where that has the same name (not so for
 * applets of busybox). The first word of a command line is not believed: a program can write anything there.
 */
function processText(process: ProcessView, acting: boolean): string {
  const pid = process.containerPid || process.pid;
  const head = acting && process.path?.split('/').at(-1) === process.name ? process.path : process.name;
  const args = truncate(argumentsOf(process), maxArgumentColumns);
  return `${head}${args === '' ? '' : ` ${args}`}${pid === undefined ? '' : `(${pid})`}`;
}

/** The command line without its first word, which may be in quotes. */
function argumentsOf({ commandLine = '' }: ProcessView): string {
  const end = commandLine.startsWith("'") ? commandLine.indexOf("' ", 1) + 1 : commandLine.indexOf(' ');
  return end <= 0 ? '' : commandLine.slice(end + 1);
}

function papersLine(alert: AlertView, screen: Screen): string {
  const join = (...words: (string | undefined)[]): string =>
    unbroken(words.filter((word) => word !== undefined && word !== '').join(' '));
  const signed = (paper: PaperView): string | undefined => (paper.signer ? `by ${paper.signer}` : undefined);
  return [
    join('signature', outcome(alert.signature.outcome, screen), signed(alert.signature)),
    join('provenance', outcome(alert.provenance.outcome, screen), provenanceText(alert.provenance)),
    join('SBOM', outcome(alert.sbom.outcome, screen), packageCount(alert.sbom)),
    join('scan', outcome(alert.scan.outcome, screen), scanText(alert.scan.data)),
  ].join('   ');
}

/** "acme/checkout@4be1c2d", or the expectations that are not met. */
function provenanceText({ data }: PaperView): string | undefined {
  const failed = listAt(data, 'clauses').filter(
    (clause) => listAt(clause, 'expected').length > 0 && textAt(clause, 'outcome') !== 'verified',
  );
  if (failed.length > 0)
    return failed.map((clause) => `${textAt(clause, 'name')} ${textAt(clause, 'found') ?? 'not said'}`).join(', ');
  const source = textAt(data, 'source_uri');
  const commit = textAt(data, 'commit');
  if (source === undefined || commit === undefined) return source;
  return `${source.replace(/^(git\+)?https:\/\/[^/]+\//, '').replace(/(\.git)?([@#].*)?$/, '')}@${commit.slice(0, 7)}`;
}

function packageCount(sbom: PaperView): string | undefined {
  const count = numberAt(sbom.data, 'component_count');
  return count === undefined || count === 0 ? undefined : `${count} packages`;
}

/** Which package the acting program belongs to, and the script that it runs, or why that is not known. */
export function entryLine({ ownership, script, processes, vulnerabilities }: AlertView): string {
  if (ownership === undefined) return '';
  const owner = ownerText(processes.at(-1)?.path ?? 'the program', ownership);
  const program = `${owner}${vulnerabilitiesText(vulnerabilities)}`;
  return script === undefined ? program : `${program}; script ${ownerText(script.path ?? '?', script)}`;
}

function ownerText(file: string, { state, reason, purls, confidence, method, source }: OwnershipView): string {
  if (state !== 'owned') return `${file}: ${state.replaceAll('-', ' ')}${reason ? `, ${reason}` : ''}`;
  const per = source === undefined ? '' : `per ${source === 'sbom' ? 'SBOM' : source}, `;
  const sure = confidence === undefined ? '' : `  (${per}${method ?? '?'}, confidence ${confidence})`;
  return `${file} = ${purls.join(', ') || 'a package without purl'}${sure}`;
}

/** "  CVE-2024-22019 high, fixed in 20.11.2, executed": what ran is what counts most. */
function vulnerabilitiesText(vulnerabilities: AlertView['vulnerabilities']): string {
  const counted = vulnerabilities.filter(({ isCounted }) => isCounted);
  const [worst] = counted;
  if (worst === undefined) return '';
  const exploited = worst.isExploited ? ', known to be exploited' : '';
  const fixed = worst.fixedIn === undefined ? ', no fix known' : `, fixed in ${worst.fixedIn}`;
  const more = counted.length > 1 ? `  and ${counted.length - 1} more` : '';
  return `  ${worst.id} ${worst.severity}${exploited}${fixed}, executed${more}`;
}

/** "came again 41 times, last at 03:15:01.118" */
export function repeatsText({ repeats, lastSeenUnixMs }: AlertView, screen: Screen): string {
  const times = repeats === 1 ? 'once' : `${repeats} times`;
  return `came again ${times}${lastSeenUnixMs === undefined ? '' : `, last at ${timeOfDay(lastSeenUnixMs, screen)}`}`;
}

/** One quiet line for an alert that has been shown before. */
export function updateLine(alert: AlertView, screen: Screen): string {
  const where = [alert.namespace, alert.container].filter((part) => part !== undefined).join('/');
  const words = [`↻ ${alert.severity}`, alert.ruleId, where, alert.node, repeatsText(alert, screen), shortId(alert.id)];
  return screen.paint('dim', truncate(words.join('  '), textColumns(screen)));
}

function dataLine(alert: AlertView, screen: Screen): string {
  const parts = [completeness(alert)];
  if (alert.repeats > 0) parts.push(repeatsText(alert, screen));
  if (alert.traceId !== undefined) parts.push(`trace ${alert.traceId}`);
  parts.push(`more: tallyman alert ${shortId(alert.id)}`);
  return parts.map(unbroken).join('   ');
}

/** The first 8 characters of an id that is random; others share their start with their neighbours and stay whole. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(id) ? id.slice(0, 8) : id;
}

export function completeness(alert: AlertView): string {
  if (alert.missing.length > 0) return `partial: ${alert.missing.join(', ')} not known`;
  if (alert.dataComplete === undefined) return 'completeness not known';
  if (alert.dataComplete && (alert.lateGaps ?? 0) > 0)
    return `incomplete: ${alert.lateGaps} losses near this time became known later (/api/v1/gaps)`;
  if (alert.dataComplete) return 'complete (nothing lost)';
  return alert.dataGaps ?? 'incomplete: records were lost near this time';
}
