import { type ApiOptions, sendJson } from '../api/api-client.ts';
import { printJson, printNote } from '../output.ts';
import { escapeDeep } from '../terminal/escape-deep.ts';
import { textAt } from '../terminal/json-path.ts';
import { baselinePath } from './find.ts';

export interface FreezeOptions extends ApiOptions {
  json?: boolean;
}

export async function freezeBaseline(question: string, frozen: boolean, options: FreezeOptions): Promise<void> {
  const path = `${await baselinePath(question, options)}/${frozen ? 'freeze' : 'unfreeze'}`;
  const answer = await sendJson(options, { method: 'POST', path });
  if (options.json) return printJson(answer);
  const shown = escapeDeep(answer);
  const name = textAt(shown, 'workload') ?? textAt(shown, 'repository') ?? textAt(shown, 'id');
  printNote(`The baseline of ${name} is ${frozen ? 'frozen' : 'no longer frozen'}; it is ${textAt(shown, 'state')}.`);
}
