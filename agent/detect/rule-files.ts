import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { errorText } from '../../common/errors.ts';
import type { RuleProblem } from './rule-problem.ts';
import { maxRuleFileBytes } from './rule-schema.ts';

/** Rule files of all directories together. */
const maxRuleFiles = 1_000;

export interface RuleFile {
  file: string;
  text: string;
}

/** Reads every .yaml and .yml file of the directories, in order of name; what cannot be read is a problem. */
export function readRuleFiles(directories: readonly string[], problems: RuleProblem[]): RuleFile[] {
  const files = directories.flatMap((directory) => listRuleFiles(directory, problems));
  if (files.length > maxRuleFiles)
    problems.push(problemAt(files[maxRuleFiles] ?? '', `more than ${maxRuleFiles} rule files`));
  return files.slice(0, maxRuleFiles).flatMap((file) => {
    const text = readRuleFile(file, problems);
    return text === undefined ? [] : [{ file, text }];
  });
}

/** Whether a file of a rule directory is one of its rules. */
export function isRuleFileName(name: string): boolean {
  return /\.ya?ml$/.test(name) && !name.startsWith('.');
}

export function problemAt(file: string, reason: string, hint?: string): RuleProblem {
  return { file, line: 1, column: 1, reason, hint };
}

/** The text of one file; undefined when there is a problem with it. */
export function readRuleFile(file: string, problems: RuleProblem[]): string | undefined {
  try {
    const status = statSync(file);
    if (!status.isFile()) problems.push(problemAt(file, 'not a regular file'));
    else if (status.size > maxRuleFileBytes)
      problems.push(problemAt(file, `${status.size} bytes are too many`, `at most ${maxRuleFileBytes}`));
    else return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    problems.push(problemAt(file, `cannot read the file: ${errorText(error)}`));
  }
  return undefined;
}

function listRuleFiles(directory: string, problems: RuleProblem[]): string[] {
  try {
    const names = readdirSync(directory).filter(isRuleFileName);
    if (names.length === 0)
      problems.push(problemAt(directory, 'no rule files (.yaml) in this directory', 'is it the right one?'));
    return names.sort().map((name) => path.join(directory, name));
  } catch (error) {
    problems.push(problemAt(directory, `cannot read the directory: ${errorText(error)}`));
    return [];
  }
}
