import { createHash } from 'node:crypto';
import type { Environment } from '@marcbachmann/cel-js';
import type { Position } from '../../common/yaml-source.ts';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { createCelEnvironment } from './cel-environment.ts';
import type { EventKind } from './field-catalog.ts';
import { type FieldPath, isPrintable, resolvePath } from './field-path.ts';
import type { Rule, RuleProgram } from './rule.ts';
import { type CompiledException, compileException } from './rule-exceptions.ts';
import { compileExpression, type RuleExpression } from './rule-expression.ts';
import type { RuleOverride } from './rule-overrides.ts';
import type { RuleSource } from './rule-schema.ts';
import { compileTemplate, type RuleTemplate } from './rule-template.ts';

const severities: Record<RuleSource['severity'], Severity> = {
  info: Severity.INFO,
  low: Severity.LOW,
  medium: Severity.MEDIUM,
  high: Severity.HIGH,
  critical: Severity.CRITICAL,
};

/** Says what is wrong at a path of the rule; `offset` is a place inside the text that stands there. */
export type ReportRuleProblem = (path: PropertyKey[], reason: string, hint?: string, offset?: number) => void;

/** Where a rule comes from. */
export interface RuleOrigin {
  file: string;
  text: string;
  idPosition: Position;
  enabled: boolean;
  overrides: readonly RuleOverride[];
}

/** Compiles rules; holds one CEL environment per event kind. */
export class RuleCompiler {
  readonly #environments = new Map<EventKind, Environment>();

  /** Undefined when something was reported. */
  compile(source: RuleSource, origin: RuleOrigin, report: ReportRuleProblem): Rule | undefined {
    const programs: RuleProgram[] = [];
    const rule: Rule = {
      id: source.id,
      title: source.title,
      description: source.description,
      severity: severities[source.severity],
      version: versionOf(origin),
      remediation: source.remediation,
      falsePositives: source.falsePositives,
      mitre: source.mitre.map(({ technique, tactic }) => ({
        techniqueId: technique.id,
        techniqueName: technique.name,
        tacticId: tactic.id,
        tacticName: tactic.name,
      })),
      baseline: source.baseline,
      tests: source.tests,
      file: origin.file,
      idPosition: origin.idPosition,
      enabled: origin.enabled,
      overrides: origin.overrides.map(({ file, reason }) => ({ file, reason })),
      source,
      programs,
    };
    checkTests(source, report);
    for (const kind of source.on) {
      const program = this.#compileFor(kind, rule, report);
      if (program !== undefined) programs.push(program);
    }
    checkBaseline(rule, report);
    return programs.length === source.on.length ? rule : undefined;
  }

  #compileFor(kind: EventKind, rule: Rule, report: ReportRuleProblem): RuleProgram | undefined {
    const { source } = rule;
    const when = this.#compileWhen(kind, source.when, report);
    const summary = compileSummary(kind, source.summary, report);
    const key = compileKey(kind, source.key, report);
    const exceptions = compileExceptions(kind, source, report);
    if (when === undefined || summary === undefined || key === undefined || exceptions === undefined) return undefined;
    const evidence = distinct([...when.paths, ...key, ...summary.paths, ...baselinePaths(kind, rule)]);
    return { rule, kind, when, exceptions, summary, key, evidence };
  }

  #compileWhen(kind: EventKind, text: string, report: ReportRuleProblem): RuleExpression | undefined {
    let environment = this.#environments.get(kind);
    if (environment === undefined) {
      environment = createCelEnvironment(kind);
      this.#environments.set(kind, environment);
    }
    const result = compileExpression(kind, environment, text);
    if (result.ok) return result.expression;
    report(['when'], result.problem.reason, result.problem.hint, result.problem.offset);
    return undefined;
  }
}

function versionOf({ text, overrides }: RuleOrigin): string {
  const hash = createHash('sha256').update(text);
  for (const { rule, reason, enabled, severity, exceptions } of overrides)
    hash.update(JSON.stringify({ rule, reason, enabled, severity, exceptions }));
  return hash.digest('hex').slice(0, 12);
}

function compileSummary(kind: EventKind, text: string, report: ReportRuleProblem): RuleTemplate | undefined {
  const result = compileTemplate(kind, text);
  if (result.ok) return result.template;
  for (const problem of result.problems) report(['summary'], problem.reason, problem.hint, problem.offset);
  return undefined;
}

function compileKey(kind: EventKind, paths: readonly string[], report: ReportRuleProblem): FieldPath[] | undefined {
  const key: FieldPath[] = [];
  for (const [index, text] of paths.entries()) {
    const resolved = resolvePath(kind, text);
    if (!resolved.ok) report(['key', index], resolved.reason, resolved.hint);
    else if (!isPrintable(resolved.path.type)) report(['key', index], `"${text}" is an object, not a value`);
    else key.push(resolved.path);
  }
  return key.length === paths.length ? key : undefined;
}

function compileExceptions(
  kind: EventKind,
  source: RuleSource,
  report: ReportRuleProblem,
): CompiledException[] | undefined {
  const compiled: CompiledException[] = [];
  for (const [index, exception] of source.exceptions.entries()) {
    const one = compileException(kind, exception, (path, reason, hint) =>
      report(['exceptions', index, ...path], reason, hint),
    );
    if (one !== undefined) compiled.push(one);
  }
  return compiled.length === source.exceptions.length ? compiled : undefined;
}

function checkTests(source: RuleSource, report: ReportRuleProblem): void {
  for (const [index, test] of source.tests.entries()) {
    if (test.on === undefined && source.on.length > 1) {
      report(['tests', index], 'which kind of event is it?', `add "on", one of ${source.on.join(', ')}`);
    } else if (test.on !== undefined && !source.on.includes(test.on)) {
      report(['tests', index, 'on'], `the rule is not about ${test.on} events`);
    }
  }
}

function checkBaseline({ baseline, programs }: Rule, report: ReportRuleProblem): void {
  const read = programs.flatMap(({ evidence }) => evidence).find(({ segments }) => segments[0] === 'baseline');
  if (baseline !== 'none' || read === undefined) return;
  const hint = 'add "baseline: required", or "optional" for a rule that is of use without one';
  report(['when'], `it reads "${read.text}", and does not say that it looks at a baseline`, hint);
}

/** A finding of a rule that looks at baselines says which one it was, and in what state. */
function baselinePaths(kind: EventKind, rule: Rule): FieldPath[] {
  if (rule.baseline === 'none') return [];
  return ['baseline.state', 'baseline.version'].flatMap((text) => {
    const resolved = resolvePath(kind, text);
    return resolved.ok ? [resolved.path] : [];
  });
}

function distinct(paths: readonly FieldPath[]): FieldPath[] {
  return [...new Map(paths.map((path) => [path.text, path])).values()];
}
