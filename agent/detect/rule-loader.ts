import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { errorText } from '../../common/errors.ts';
import type { Rule } from './rule.ts';
import { RuleCompiler } from './rule-compiler.ts';
import { type RuleProblem, RulesInvalidError } from './rule-problem.ts';
import { maxRuleFileBytes, ruleSchema } from './rule-schema.ts';
import { didYouMean } from './suggest.ts';
import { YamlSource } from './yaml-source.ts';

/** Rule files of all directories together. */
const maxRuleFiles = 1_000;

/**
 * Reads every .yaml and .yml file of the directories as one rule each.
 * @throws RulesInvalidError with every problem of every file; nothing is loaded then.
 */
export function loadRules(directories: readonly string[]): Rule[] {
  const problems: RuleProblem[] = [];
  const files = directories.flatMap((directory) => listRuleFiles(directory, problems));
  if (files.length > maxRuleFiles)
    problems.push(problemAt(files[maxRuleFiles] ?? '', `more than ${maxRuleFiles} rule files`));
  const compiler = new RuleCompiler();
  const rules: Rule[] = [];
  for (const file of files.slice(0, maxRuleFiles)) {
    const text = readRuleFile(file, problems);
    const rule = text === undefined ? undefined : parseRuleSafely(compiler, file, text, problems);
    if (rule !== undefined) rules.push(rule);
  }
  reportDuplicates(rules, problems);
  if (problems.length > 0) throw new RulesInvalidError(problems);
  return rules;
}

/** One rule from text. @throws RulesInvalidError */
export function parseRuleText(text: string, file: string): Rule {
  const problems: RuleProblem[] = [];
  const rule = parseRuleSafely(new RuleCompiler(), file, text, problems);
  if (rule === undefined || problems.length > 0) throw new RulesInvalidError(problems);
  return rule;
}

function listRuleFiles(directory: string, problems: RuleProblem[]): string[] {
  try {
    const names = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'));
    if (names.length === 0)
      problems.push(problemAt(directory, 'no rule files (.yaml) in this directory', 'is it the right one?'));
    return names.sort().map((name) => path.join(directory, name));
  } catch (error) {
    problems.push(problemAt(directory, `cannot read the directory: ${errorText(error)}`));
    return [];
  }
}

function readRuleFile(file: string, problems: RuleProblem[]): string | undefined {
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

/** What is nested deeply enough to exhaust the stack is one more problem of the file. */
function parseRuleSafely(
  compiler: RuleCompiler,
  file: string,
  text: string,
  problems: RuleProblem[],
): Rule | undefined {
  try {
    return parseRule(compiler, file, text, problems);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push(problemAt(file, 'nested too deeply'));
    return undefined;
  }
}

function parseRule(compiler: RuleCompiler, file: string, text: string, problems: RuleProblem[]): Rule | undefined {
  const yaml = new YamlSource(text);
  for (const { reason, ...position } of yaml.problems) problems.push({ file, ...position, reason, hint: undefined });
  if (yaml.problems.length > 0) return undefined;
  const parsed = ruleSchema.safeParse(yaml.value, { reportInput: true });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(...problemsOfIssue(file, yaml, issue));
    return undefined;
  }
  return compiler.compile(
    parsed.data,
    { file, text, idPosition: yaml.positionOf(['id']) },
    (at, reason, hint, offset) => {
      const position = offset === undefined ? yaml.positionOf(at) : yaml.positionInText(at, offset);
      problems.push({ file, ...position, reason, hint });
    },
  );
}

type Issue = z.core.$ZodIssue;

function problemsOfIssue(file: string, yaml: YamlSource, issue: Issue): RuleProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => {
      const hint = didYouMean(key, known) ?? (known.length === 0 ? undefined : `fields: ${known.join(', ')}`);
      return { file, ...yaml.positionOfKey(issue.path, key), reason: `unknown field "${key}"`, hint };
    });
  }
  if (issue.code === 'invalid_union') {
    // The branch that comes nearest has the deepest problem.
    const branches = issue.errors.flat().sort((a, b) => b.path.length - a.path.length);
    const nearest = branches[0];
    if (nearest !== undefined)
      return problemsOfIssue(file, yaml, { ...nearest, path: [...issue.path, ...nearest.path] } as Issue);
  }
  const field = issue.path.map(String).join('.');
  const reason = `${field === '' ? 'rule' : field}: ${lowerFirst(issue.message)}`;
  return [{ file, ...yaml.positionOf(issue.path), reason, hint: hintOf(issue) }];
}

function hintOf(issue: Issue): string | undefined {
  if (issue.code !== 'invalid_value' || typeof issue.input !== 'string') return undefined;
  return didYouMean(issue.input, issue.values.map(String));
}

/** Names of the fields that are allowed at a path of the schema. */
function knownKeys(at: readonly PropertyKey[]): string[] {
  let schema: z.core.$ZodType | undefined = ruleSchema;
  for (const segment of at) schema = childSchema(unwrap(schema), segment);
  const shape = shapeOf(unwrap(schema));
  return shape === undefined ? [] : Object.keys(shape);
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  const inner = (schema?._zod.def as { innerType?: z.core.$ZodType } | undefined)?.innerType;
  return inner === undefined ? schema : unwrap(inner);
}

function childSchema(schema: z.core.$ZodType | undefined, segment: PropertyKey): z.core.$ZodType | undefined {
  if (typeof segment === 'number') return (schema?._zod.def as { element?: z.core.$ZodType } | undefined)?.element;
  return shapeOf(schema)?.[String(segment)];
}

function shapeOf(schema: z.core.$ZodType | undefined): Record<string, z.core.$ZodType> | undefined {
  return (schema?._zod.def as { shape?: Record<string, z.core.$ZodType> } | undefined)?.shape;
}

function reportDuplicates(rules: readonly Rule[], problems: RuleProblem[]): void {
  const first = new Map<string, string>();
  for (const rule of rules) {
    const other = first.get(rule.id);
    if (other === undefined) first.set(rule.id, rule.file);
    else {
      const reason = `id "${rule.id}" is taken by ${other}`;
      problems.push({ file: rule.file, ...rule.idPosition, reason, hint: 'choose another' });
    }
  }
}

function problemAt(file: string, reason: string, hint?: string): RuleProblem {
  return { file, line: 1, column: 1, reason, hint };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
