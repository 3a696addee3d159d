import { Command } from 'commander';
import type { ApiOptions } from '../api/api-client.ts';
import { getJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption, utcOption } from '../options.ts';
import { print, printJson, printZone, standardScreen } from '../output.ts';
import { alertDetail } from '../terminal/alert-detail.ts';
import type { AlertView } from '../terminal/alert-view.ts';
import { alertView } from '../terminal/alert-view.ts';
import { listAt, textAt } from '../terminal/json-path.ts';

interface AlertOptions extends ApiOptions {
  json?: boolean;
  utc?: boolean;
}

const hourMs = 3_600_000;
const minuteMs = 60_000;
/** The most the API gives at once. */
const maxAlerts = '1000';

export function alertCommand(): Command {
  return new Command('alert')
    .summary('all that is known of one alert')
    .description(
      'Tells one alert in full: severity step by step, process tree, papers, and what else its container did.',
    )
    .argument('<id>', 'id of the alert, or enough of its beginning')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addOption(utcOption())
    .addHelpText(
      'after',
      `\nExamples:\n  tallyman alert 3f0c9a1e\n  tallyman alert 3f0c9a1e --json | jq .data.enrichments\n${exitCodeHelp}`,
    )
    .action(showAlert);
}

async function showAlert(id: string, options: AlertOptions): Promise<void> {
  const event = await findAlert(id, options);
  if (options.json) return printJson(event);
  const alert = alertView(event);
  const screen = standardScreen(options);
  printZone(screen);
  const shown = { ...alert, lateGaps: await lateGapsOf(alert, options) };
  print(...alertDetail(shown, await alertsOfContainer(alert, options), screen));
}

/** Losses around an alert that says it is complete: they became known after it was published. */
async function lateGapsOf(alert: AlertView, api: ApiOptions): Promise<number> {
  if (alert.dataComplete !== true || alert.containerId === undefined) return 0;
  const query = { container: alert.containerId, node: alert.node };
  const window = { since: String(alert.timeUnixMs - minuteMs), until: String(alert.timeUnixMs + minuteMs) };
  return listAt(await getJson(api, '/api/v1/gaps', { ...query, ...window }), 'gaps').length;
}

/** The alert with this id, else the only one whose id begins so. */
export async function findAlert(id: string, api: ApiOptions): Promise<unknown> {
  const exact = await getJson(api, `/api/v1/alerts/${encodeURIComponent(id)}`);
  if (exact !== undefined) return exact;
  const found = (await listAlerts(api, {})).filter((event) => textAt(event, 'id')?.startsWith(id));
  if (found.length === 1) return found[0];
  if (found.length === 0)
    throw new CommandError('not-found', `no alert has an id that begins with ${id}`, {
      hint: `only the last ${maxAlerts} are searched by a part of their id; tallyman alerts lists them`,
    });
  const ids = found.map((event) => textAt(event, 'id')).join(', ');
  throw new CommandError('usage', `${id} fits ${found.length} alerts: ${ids}`, { hint: 'give more of the id' });
}

async function listAlerts(api: ApiOptions, query: Record<string, string>): Promise<unknown[]> {
  return listAt(await getJson(api, '/api/v1/alerts', { limit: maxAlerts, ...query }), 'alerts');
}

async function alertsOfContainer(alert: AlertView, api: ApiOptions): Promise<AlertView[]> {
  if (alert.containerId === undefined) return [];
  const since = String(alert.timeUnixMs - hourMs);
  const events = await listAlerts(api, { container: alert.containerId, since });
  return events.map(alertView).filter(({ timeUnixMs }) => timeUnixMs <= alert.timeUnixMs + hourMs);
}
