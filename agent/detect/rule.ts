import type { Position } from '../../common/yaml-source.ts';
import type { MitreTechnique, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { EventKind } from './field-catalog.ts';
import type { FieldPath } from './field-path.ts';
import type { RuleExample } from './rule-example.ts';
import type { CompiledException } from './rule-exceptions.ts';
import type { RuleExpression } from './rule-expression.ts';
import type { RuleSource } from './rule-schema.ts';
import type { RuleTemplate } from './rule-template.ts';

/** A rule as it stands in its file, checked. */
export interface Rule {
  id: string;
  title: string;
  description: string;
  severity: Severity;
  /** First 12 hexadecimal digits of the SHA-256 of its file and overrides: says which text of the rule decided. */
  version: string;
  remediation: string;
  falsePositives: readonly string[];
  mitre: readonly MitreTechnique[];
  baseline: RuleSource['baseline'];
  tests: readonly RuleExample[];
  file: string;
  idPosition: Position;
  /** False when an override switches it off. */
  enabled: boolean;
  /** The files that change it, with the reason they give. */
  overrides: readonly { file: string; reason: string }[];
  /** With its overrides. */
  source: RuleSource;
  programs: readonly RuleProgram[];
}

/** A rule compiled for one of its event kinds. */
export interface RuleProgram {
  rule: Rule;
  kind: EventKind;
  when: RuleExpression;
  exceptions: readonly CompiledException[];
  summary: RuleTemplate;
  key: readonly FieldPath[];
  /** What goes into the finding's fields: all that condition, key and summary read. */
  evidence: readonly FieldPath[];
}
