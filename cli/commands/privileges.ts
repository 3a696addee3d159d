import { Command, Option } from 'commander';
import type { ApiOptions } from '../api/api-client.ts';
import { getJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption, parseSpanMs, utcOption } from '../options.ts';
import { print, printJson, printNote, printZone, standardScreen } from '../output.ts';
import { shellLine, yamlText } from '../privileges/advice-text.ts';
import { privilegePage } from '../privileges/privilege-page.ts';
import { escapeText } from '../terminal/escape-deep.ts';
import { textsAt } from '../terminal/json-path.ts';

interface PrivilegesOptions extends ApiOptions {
  json?: boolean;
  utc?: boolean;
  workload?: boolean;
  despiteGaps?: boolean;
  minWatch: number;
  format: 'table' | 'securityContext' | 'docker';
}

export function privilegesCommand(): Command {
  return new Command('privileges')
    .summary('with how little a container could do')
    .description(
      'Compares what a container was granted with what it was seen to use, and prints a securityContext and flags of docker run with which it goes on working. Nothing is advised that is not known.',
    )
    .argument('<container>', 'name or id of the container, or enough of the beginning of its id')
    .option('--workload', 'all containers of the same image and workload together')
    .addOption(
      new Option('--format <form>', 'what is printed: all, or only what is to be applied')
        .choices(['table', 'securityContext', 'docker'])
        .default('table'),
    )
    .addOption(
      new Option('--min-watch <span>', 'how long it must have been watched for advice, like 10m or 7d; 0: any time')
        .default(86_400_000, '1d')
        .argParser(parseSpanMs),
    )
    .option('--despite-gaps', 'advice also where something was lost, or it was not watched for long: it may break')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addOption(utcOption())
    .addHelpText('after', help)
    .action(showPrivileges);
}

const help = `
With --format securityContext or docker the command fails (1) where advice is withheld, and says why.

Examples:
  tallyman privileges checkout
  tallyman privileges checkout --workload --format securityContext
  eval "docker run $(tallyman privileges web --format docker) registry.acme.io/web:4.2.1"
${exitCodeHelp}`;

async function showPrivileges(container: string, options: PrivilegesOptions): Promise<void> {
  const query: Record<string, string> = { minWatchSeconds: String(Math.floor(options.minWatch / 1_000)) };
  if (options.workload) query.scope = 'workload';
  if (options.despiteGaps) query.despiteGaps = 'true';
  const report = await getJson(options, `/api/v1/containers/${encodeURIComponent(container)}/privileges`, query);
  if (report === undefined)
    throw new CommandError('not-found', `no container has the id, id prefix or name ${escapeText(container)}`, {
      hint: 'tallyman containers --all lists them',
    });
  if (options.json) return printJson(report);
  if (options.format === 'table') {
    const screen = standardScreen(options);
    printZone(screen);
    return print(...privilegePage(report, screen));
  }
  const withheld = textsAt(report, 'advice', 'withheld').map(escapeText);
  if (withheld.length > 0)
    throw new CommandError('failed', `nothing is advised: ${withheld.join('; ')}`, {
      hint: 'tallyman privileges without --format shows what is known; --workload asks all containers of the workload',
    });
  printNote(...textsAt(report, 'advice', 'notes').map((note) => `note: ${escapeText(note)}`));
  print(...(options.format === 'docker' ? [shellLine(report)] : yamlText(report)));
}
