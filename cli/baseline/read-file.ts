import { readFileSync, statSync } from 'node:fs';
import { type BaselineFile, maxBaselineFileBytes, parseBaselineFile } from '../../common/baseline-file.ts';
import { problemText } from '../../common/file-problem.ts';
import { CommandError } from '../command-error.ts';

/** A baseline as people keep it, and its text; "-" is standard input. @throws {CommandError} with all that is wrong in it */
export function readBaselineFile(file: string): { text: string; parsed: BaselineFile } {
  const text = read(file);
  return { text, parsed: parse(text, file) };
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
