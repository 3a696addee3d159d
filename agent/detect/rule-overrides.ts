import { z } from 'zod';
import { schemaProblems } from '../../common/schema-problems.ts';
import { didYouMean } from '../../common/suggest.ts';
import type { Position, YamlSource } from '../../common/yaml-source.ts';
import type { RuleProblem } from './rule-problem.ts';
import { exceptionSchema, type RuleSource, ruleIdSchema, severitySchema } from './rule-schema.ts';

const overrideSchema = z.strictObject({
  rule: ruleIdSchema,
  /** Why: whoever finds a rule switched off asks. */
  reason: z.string().trim().min(1).max(1_000),
  enabled: z.boolean().optional(),
  severity: severitySchema.optional(),
  /** Added to those that the rule has. */
  exceptions: z.array(exceptionSchema).max(64).default([]),
});

const overrideFileSchema = z.strictObject({ overrides: z.array(overrideSchema).min(1).max(1_000) });

/** A change to a rule that stands in another file, with its place. */
export interface RuleOverride extends z.output<typeof overrideSchema> {
  file: string;
  /** Where a part of it stands in the file. */
  positionOf(path: readonly PropertyKey[]): Position;
}

/** A file of a rule directory that holds overrides instead of a rule. */
export function isOverrideFile(yaml: YamlSource): boolean {
  return typeof yaml.value === 'object' && yaml.value !== null && Object.hasOwn(yaml.value, 'overrides');
}

export function parseOverrides(file: string, yaml: YamlSource, problems: RuleProblem[]): RuleOverride[] {
  const parsed = overrideFileSchema.safeParse(yaml.value, { reportInput: true });
  if (!parsed.success) {
    problems.push(...schemaProblems(file, yaml, overrideFileSchema, parsed.error.issues));
    return [];
  }
  return parsed.data.overrides.map((override, index) => ({
    ...override,
    file,
    positionOf: (path) => yaml.positionOf(['overrides', index, ...path]),
  }));
}

/** What a rule is with its overrides; `exceptionOrigin` tells where an exception of the result stands. */
export interface OverriddenSource {
  source: RuleSource;
  enabled: boolean;
  exceptionOrigin(index: number): { override: RuleOverride; index: number } | undefined;
}

export function applyOverrides(source: RuleSource, overrides: readonly RuleOverride[]): OverriddenSource {
  const added = overrides.flatMap((override) => override.exceptions.map((_, index) => ({ override, index })));
  return {
    source: {
      ...source,
      severity: overrides.findLast((override) => override.severity !== undefined)?.severity ?? source.severity,
      exceptions: [...source.exceptions, ...overrides.flatMap((override) => override.exceptions)],
    },
    enabled: overrides.findLast((override) => override.enabled !== undefined)?.enabled ?? true,
    exceptionOrigin: (index) => added[index - source.exceptions.length],
  };
}

/** Overrides of rules that do not exist, and such as contradict each other. */
export function checkOverrides(
  overrides: readonly RuleOverride[],
  ruleIds: ReadonlySet<string>,
  problems: RuleProblem[],
): void {
  for (const override of overrides) {
    const report = (at: string, reason: string, hint?: string): void => {
      problems.push({ file: override.file, ...override.positionOf([at]), reason, hint });
    };
    if (!ruleIds.has(override.rule))
      report('rule', `there is no rule "${override.rule}"`, didYouMean(override.rule, ruleIds));
    for (const field of ['severity', 'enabled'] as const) {
      const other = overrides.find((each) => each.rule === override.rule && each[field] !== undefined);
      if (override[field] === undefined || other === undefined || other[field] === override[field]) continue;
      report(field, `${other.file} sets ${field} of "${override.rule}" to ${other[field]}`, 'keep one of the two');
    }
  }
}
