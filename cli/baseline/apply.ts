import { baselineIdOf } from '../../common/baseline-key.ts';
import { type ApiOptions, sendJson } from '../api/api-client.ts';
import { print, printJson, printNote } from '../output.ts';
import { factText } from '../terminal/baseline-page.ts';
import { escapeDeep } from '../terminal/escape-deep.ts';
import { at, listAt, textAt } from '../terminal/json-path.ts';
import { readBaselineFile } from './read-file.ts';

export interface ApplyOptions extends ApiOptions {
  json?: boolean;
  dryRun?: boolean;
  force?: boolean;
}

export async function applyBaselineFile(file: string, options: ApplyOptions): Promise<void> {
  const { text, parsed } = readBaselineFile(file);
  const answer = await sendJson(options, {
    method: 'PUT',
    path: `/api/v1/baselines/${baselineIdOf(parsed.key)}`,
    query: options.dryRun ? { dryRun: 'true' } : {},
    body: text,
    contentType: 'application/yaml',
    headers: options.force ? { 'if-match': '*' } : {},
  });
  if (options.json) return printJson(answer);
  const shown = escapeDeep(answer);
  const added = listAt(shown, 'added');
  const removed = listAt(shown, 'removed');
  for (const [sign, facts] of [['-', removed] as const, ['+', added] as const])
    for (const fact of facts) print(`${sign} ${factText(fact)}`);
  const count = `${added.length} added, ${removed.length} removed`;
  const what = at(shown, 'created') === true ? 'a new baseline' : 'the baseline';
  if (options.dryRun) printNote(`${count} in ${what}; nothing was changed.`);
  else printNote(`${count}; ${what} is at version ${textAt(shown, 'version')}.`);
}
