import { statSync } from 'node:fs';
import type { Rule } from '../../agent/detect/rule.ts';
import { readRuleFile } from '../../agent/detect/rule-files.ts';
import { loadRules, parseRuleText } from '../../agent/detect/rule-loader.ts';
import { type RuleProblem, RulesInvalidError } from '../../agent/detect/rule-problem.ts';
import { CommandError } from '../command-error.ts';

/** Rules of folders, with their overrides, and of single files. @throws {RulesInvalidError} @throws {CommandError} */
export function rulesOf(paths: readonly string[]): Rule[] {
  const folders = paths.filter(isFolder);
  const files = paths.filter((path) => !isFolder(path));
  return [...(folders.length > 0 ? loadRules(folders) : []), ...files.map(ruleOfFile)];
}

function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new CommandError('usage', `${path} does not exist`, { hint: 'name a rule file or a folder' });
  return found.isDirectory();
}

function ruleOfFile(file: string): Rule {
  const problems: RuleProblem[] = [];
  const text = readRuleFile(file, problems);
  if (text === undefined) throw new RulesInvalidError(problems);
  return parseRuleText(text, file);
}
