import { z } from 'zod';
import { eventKinds } from './field-catalog.ts';
import { ruleExampleSchema } from './rule-example.ts';

/** Bytes of one rule file; larger ones are refused unread. */
export const maxRuleFileBytes = 256 * 1024;

const text = (maxLength: number): z.ZodString => z.string().trim().min(1).max(maxLength);
const fieldPath = text(200);

const comparators = ['==', '!=', 'in', 'startsWith', 'endsWith', 'contains', 'matches'] as const;
export type Comparator = (typeof comparators)[number];

const exceptionValue = z.union([z.string().max(1_000), z.boolean(), z.int()]);

/**
 * A named exception: an event is excepted when, for one tuple of `values`, every field compares true with the value at its
 * place. `in` takes a list of values at its place.
 */
export const exceptionSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be lower-case words joined by "-"'),
  fields: z.array(fieldPath).min(1).max(8),
  comparators: z.array(z.enum(comparators)).min(1).max(8),
  values: z
    .array(
      z
        .array(z.union([exceptionValue, z.array(exceptionValue).max(256)]))
        .min(1)
        .max(8),
    )
    .max(256),
});

const mitreSchema = z.strictObject({
  technique: z.strictObject({
    id: z.string().regex(/^T\d{4}(\.\d{3})?$/, 'must be a technique id such as T1059.004'),
    name: text(120),
  }),
  tactic: z.strictObject({ id: z.string().regex(/^TA\d{4}$/, 'must be a tactic id such as TA0002'), name: text(120) }),
});

const onSchema = z.enum(eventKinds);

export const ruleIdSchema = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case words joined by "-"')
  .max(64);

export const severitySchema = z.enum(['info', 'low', 'medium', 'high', 'critical']);

/** One rule file. docs/writing-rules.md explains every field to those who write rules. */
export const ruleSchema = z.strictObject({
  id: ruleIdSchema,
  title: text(120),
  description: text(4_000),
  severity: severitySchema,
  on: z.union([onSchema, z.array(onSchema).min(1)]).transform((on) => (Array.isArray(on) ? [...new Set(on)] : [on])),
  when: z.string().min(1).max(16_000),
  summary: text(500),
  remediation: text(2_000),
  falsePositives: z.array(text(1_000)).max(32).default([]),
  exceptions: z.array(exceptionSchema).max(64).default([]),
  key: z.array(fieldPath).max(8).default([]),
  mitre: z.array(mitreSchema).max(16).default([]),
  baseline: z.enum(['required', 'optional', 'none']).default('none'),
  tests: z.array(ruleExampleSchema).max(64).default([]),
});

export type RuleSource = z.output<typeof ruleSchema>;
export type ExceptionSource = z.output<typeof exceptionSchema>;
