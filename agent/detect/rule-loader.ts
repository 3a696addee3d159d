import { schemaProblems } from '../../common/schema-problems.ts';
import { YamlSource } from '../../common/yaml-source.ts';
import type { Rule } from './rule.ts';
import { RuleCompiler } from './rule-compiler.ts';
import { problemAt, readRuleFiles } from './rule-files.ts';
import { applyOverrides, checkOverrides, isOverrideFile, parseOverrides, type RuleOverride } from './rule-overrides.ts';
import { type RuleProblem, RulesInvalidError } from './rule-problem.ts';
import { ruleSchema } from './rule-schema.ts';

interface ParsedFile {
  file: string;
  text: string;
  yaml: YamlSource;
}

/**
 * Reads every .yaml and .yml file of the directories: one rule each, or overrides of rules.
 * @throws RulesInvalidError with every problem of every file; nothing is loaded then.
 */
export function loadRules(directories: readonly string[]): Rule[] {
  const problems: RuleProblem[] = [];
  const files = readRuleFiles(directories, problems).flatMap(({ file, text }) => parseYaml(file, text, problems));
  const overrides = files
    .filter(({ yaml }) => isOverrideFile(yaml))
    .flatMap(({ file, yaml }) => parseOverrides(file, yaml, problems));
  const ruleFiles = files.filter(({ yaml }) => !isOverrideFile(yaml));
  const compiler = new RuleCompiler();
  const rules = ruleFiles.flatMap((parsed) => parseRuleSafely(compiler, parsed, overrides, problems) ?? []);
  reportDuplicates(rules, problems);
  // Rules with problems of their own exist all the same.
  checkOverrides(overrides, new Set(ruleFiles.map(({ yaml }) => idOf(yaml))), problems);
  if (problems.length > 0) throw new RulesInvalidError(problems);
  return rules;
}

/** One rule from text. @throws RulesInvalidError */
export function parseRuleText(text: string, file: string): Rule {
  const problems: RuleProblem[] = [];
  const [parsed] = parseYaml(file, text, problems);
  const rule = parsed === undefined ? undefined : parseRuleSafely(new RuleCompiler(), parsed, [], problems);
  if (rule === undefined || problems.length > 0) throw new RulesInvalidError(problems);
  return rule;
}

function parseYaml(file: string, text: string, problems: RuleProblem[]): ParsedFile[] {
  const yaml = new YamlSource(text);
  for (const { reason, ...position } of yaml.problems) problems.push({ file, ...position, reason, hint: undefined });
  return yaml.problems.length > 0 ? [] : [{ file, text, yaml }];
}

/** What is nested deeply enough to exhaust the stack is one more problem of the file. */
function parseRuleSafely(
  compiler: RuleCompiler,
  parsed: ParsedFile,
  overrides: readonly RuleOverride[],
  problems: RuleProblem[],
): Rule | undefined {
  try {
    return parseRule(compiler, parsed, overrides, problems);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push(problemAt(parsed.file, 'nested too deeply'));
    return undefined;
  }
}

function parseRule(
  compiler: RuleCompiler,
  { file, text, yaml }: ParsedFile,
  allOverrides: readonly RuleOverride[],
  problems: RuleProblem[],
): Rule | undefined {
  const parsed = ruleSchema.safeParse(yaml.value, { reportInput: true });
  if (!parsed.success) {
    problems.push(...schemaProblems(file, yaml, ruleSchema, parsed.error.issues));
    return undefined;
  }
  const overrides = allOverrides.filter((override) => override.rule === parsed.data.id);
  const { source, enabled, exceptionOrigin } = applyOverrides(parsed.data, overrides);
  const origin = { file, text, idPosition: yaml.positionOf(['id']), enabled, overrides };
  return compiler.compile(source, origin, (at, reason, hint, offset) => {
    const added = at[0] === 'exceptions' ? exceptionOrigin(Number(at[1])) : undefined;
    if (added !== undefined) {
      const position = added.override.positionOf(['exceptions', added.index, ...at.slice(2)]);
      problems.push({ file: added.override.file, ...position, reason, hint });
      return;
    }
    const position = offset === undefined ? yaml.positionOf(at) : yaml.positionInText(at, offset);
    problems.push({ file, ...position, reason, hint });
  });
}

function idOf(yaml: YamlSource): string {
  const id = typeof yaml.value === 'object' && yaml.value !== null && 'id' in yaml.value ? yaml.value.id : undefined;
  return typeof id === 'string' ? id : '';
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
