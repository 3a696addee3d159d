import { readFileSync, statSync } from 'node:fs';
import { type BaselineFile, maxBaselineFileBytes, parseBaselineFile } from '../../common/baseline-file.ts';
import { baselineIdOf } from '../../common/baseline-key.ts';
import { problemText } from '../../common/file-problem.ts';
import { type ApiOptions, sendJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { print, printJson, printNote } from '../output.ts';
import { factText } from '../terminal/baseline-page.ts';
import { escapeDeep } from '../terminal/escape-deep.ts';
import { at, listAt, textAt } from '../terminal/json-path.ts';

export interface ApplyOptions extends ApiOptions {
  json?: boolean;
  dryRun?: boolean;
  force?: boolean;
}

export async function applyBaselineFile(file: string, options: ApplyOptions): Promise<void> {
  const text = read(file);
  const parsed = parse(text, file);
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

function read(file: string): string {
  try {
    const source = file === '-' ? 0 : file;
    if (source !== 0 && statSync(file).size > maxBaselineFileBytes)
      throw new CommandError('usage', `${file} has more than ${maxBaselineFileBytes} bytes`);
    return readFileSync(source, 'utf8');
  } catch (thrown) {
    if (thrown instanceof CommandError) throw thrown;
    throw new CommandError('usage', `cannot read ${file}`, { cause: thrown });
  }
}

function parse(text: string, file: string): BaselineFile {
  const parsed = parseBaselineFile(text, file);
  if (!('problems' in parsed)) return parsed;
  const { problems } = parsed;
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new CommandError('usage', `${count} in ${file}\n${problems.map(problemText).join('\n')}`);
}
