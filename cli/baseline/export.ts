import { writeFileSync } from 'node:fs';
import { type ApiOptions, getJson, getText } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { printJson, printNote } from '../output.ts';
import { baselinePath } from './find.ts';

export interface ExportOptions extends ApiOptions {
  json?: boolean;
  output?: string;
}

export async function exportBaseline(question: string, options: ExportOptions): Promise<void> {
  const path = await baselinePath(question, options);
  if (options.json) return printJson(await getJson(options, path));
  const text = await getText(options, path, { format: 'yaml' });
  if (options.output === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(options.output, text);
  } catch (thrown) {
    throw new CommandError('failed', `cannot write ${options.output}`, { cause: thrown });
  }
  printNote(`Written to ${options.output}.`);
}
