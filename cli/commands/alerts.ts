import { Command, Option } from 'commander';
import { errorText } from '../../common/errors.ts';
import type { AlertFilter } from '../alerts/alert-filter.ts';
import { isFiltering, matches } from '../alerts/alert-filter.ts';
import { readAlerts } from '../alerts/alert-stream.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { untilInterrupted } from '../interrupt.ts';
import { jsonOption, natsOption, parseCount, parseSince, severityWords, utcOption } from '../options.ts';
import { print, printNote, printZone, standardScreen } from '../output.ts';
import { alertBlock, updateLine } from '../terminal/alert-block.ts';
import type { AlertView } from '../terminal/alert-view.ts';
import { alertView } from '../terminal/alert-view.ts';

interface AlertsOptions extends AlertFilter {
  follow?: boolean;
  json?: boolean;
  natsUrl: string;
  since?: number;
  last: number;
  utc?: boolean;
}

export function alertsCommand(): Command {
  return new Command('alerts')
    .summary('the alerts that NATS carries')
    .description('Shows the last alerts of the JetStream stream TALLYMAN_ALERTS, and with --follow those to come.')
    .option('-f, --follow', 'go on with new alerts until Ctrl-C')
    .addOption(jsonOption())
    .addOption(natsOption())
    .addOption(new Option('--severity <word>', 'this severity and worse').choices(severityWords))
    .option('--rule <id>', 'only alerts of this rule')
    .option('--namespace <name>', 'only alerts of this Kubernetes namespace; "docker" for Docker')
    .option('--since <when>', 'alerts since then: 90s, 15m, 2h, 3d, or an ISO time', (text) => parseSince(text))
    .option('-n, --last <count>', 'how many alerts to show at most before following', parseCount, 50)
    .addOption(utcOption())
    .addHelpText('after', help)
    .action((options: AlertsOptions) => showAlerts(options));
}

const help = `
Examples:
  tallyman alerts                                   the last 50
  tallyman alerts --follow --severity high          high and critical ones, as they come
  tallyman alerts --since 2h --rule exec-drift
  tallyman alerts --json --follow | jq .data.finding_info.title

An alert that comes again is one line: how often, and when last.
--json prints the message exactly as NATS carries it, one CloudEvent a line.
Without this command: nats sub 'tallyman.v1.alerts.>'
${exitCodeHelp}`;

async function showAlerts(options: AlertsOptions): Promise<void> {
  const output = createOutput(options);
  const kept: Read[] = [];
  await untilInterrupted(async (signal) => {
    for await (const read of readMatching(options, signal)) {
      if (options.follow) output(read);
      else if (kept.push(read) > options.last) kept.shift();
    }
  });
  for (const read of kept) output(read);
  if (kept.length === 0 && !options.follow && !options.json) printNote('No alerts.');
}

interface Read {
  text: string;
  view: AlertView;
}

async function* readMatching(options: AlertsOptions, signal: AbortSignal): AsyncGenerator<Read> {
  // The last N of the stream are the last N that match only when nothing is filtered out.
  const lastCount = isFiltering(options) && !options.follow ? undefined : options.last;
  const source = { natsUrl: options.natsUrl, sinceUnixMs: options.since, lastCount, follow: options.follow === true };
  for await (const text of readAlerts({ ...source, signal })) {
    const view = readView(text);
    if (view !== undefined && matches(view, options)) yield { text, view };
  }
}

/** A message that is no alert is said, never silently left out. */
function readView(text: string): AlertView | undefined {
  try {
    return alertView(JSON.parse(text));
  } catch (thrown) {
    printNote(`tallyman: a message of the stream cannot be read: ${errorText(thrown)}`);
    process.exitCode = 1;
    return undefined;
  }
}

function createOutput(options: AlertsOptions): (read: Read) => void {
  if (options.json) return ({ text }) => print(text.includes('\n') ? JSON.stringify(JSON.parse(text)) : text);
  const screen = standardScreen(options);
  let first = true;
  return ({ view }) => {
    if (first) printZone(screen);
    first = false;
    if (view.isUpdate) print(updateLine(view, screen), '');
    else print(...alertBlock(view, screen), '');
  };
}
