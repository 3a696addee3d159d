import { type ApiOptions, getJson } from '../api/api-client.ts';
import { print, printJson, printNote, standardScreen } from '../output.ts';
import { baselineTable } from '../terminal/baseline-table.ts';
import { listAt } from '../terminal/json-path.ts';

export interface ListBaselinesOptions extends ApiOptions {
  json?: boolean;
  utc?: boolean;
}

export async function listBaselines(of: string | undefined, options: ListBaselinesOptions): Promise<void> {
  const query: Record<string, string> = of === undefined ? {} : { of };
  const baselines = listAt(await getJson(options, '/api/v1/baselines', query), 'baselines');
  if (options.json) for (const one of baselines) printJson(one);
  else if (baselines.length === 0) printNote('No baselines.');
  else print(...baselineTable(baselines, standardScreen(options)));
}
