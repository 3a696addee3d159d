import { type ApiOptions, getJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { print, printJson, printZone, standardScreen } from '../output.ts';
import { baselinePage } from '../terminal/baseline-page.ts';
import { baselinePath } from './find.ts';

export interface ShowBaselineOptions extends ApiOptions {
  json?: boolean;
  utc?: boolean;
}

export async function showBaseline(question: string, options: ShowBaselineOptions): Promise<void> {
  const answer = await getJson(options, await baselinePath(question, options));
  if (answer === undefined) throw new CommandError('not-found', 'the baseline is not there any more');
  if (options.json) return printJson(answer);
  const screen = standardScreen(options);
  printZone(screen);
  print(...baselinePage(answer, screen));
}
