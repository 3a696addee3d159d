import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../../common/errors.ts';
import { YamlSource } from '../../common/yaml-source.ts';
import type { SeverityWord } from '../decide/alert.ts';

const text = (maxLength: number): z.ZodString => z.string().trim().min(1).max(maxLength);

const mitreSchema = z.strictObject({
  technique: z.strictObject({ id: z.string().regex(/^T\d{4}(\.\d{3})?$/), name: text(120) }),
  tactic: z.strictObject({ id: z.string().regex(/^TA\d{4}$/), name: text(120) }),
});

const imageRuleSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/),
  title: text(120),
  description: text(4_000),
  severity: z.enum(['info', 'low', 'medium', 'high', 'critical']),
  /** When it is found, in words: such rules have no condition to read. */
  when: text(1_000),
  remediation: text(2_000),
  falsePositives: z.array(text(1_000)).default([]),
  mitre: z.array(mitreSchema).default([]),
});

/** A rule about an image: the collector concludes it from papers, contents and what runs, not from one event. */
export interface ImageRule extends z.output<typeof imageRuleSchema> {
  severity: SeverityWord;
  /** First 12 hexadecimal digits of the SHA-256 of its file. */
  version: string;
  /** Name of its file. */
  file: string;
}

const directory = join(import.meta.dirname, 'rules');
let loaded: ReadonlyMap<string, ImageRule> | undefined;

/** The rules about images, one file each in collector/images/rules, by id. @throws CodedError<'image-rule-invalid'> */
export function imageRules(): ReadonlyMap<string, ImageRule> {
  loaded ??= new Map(
    readdirSync(directory)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => readRule(name))
      .map((rule) => [rule.id, rule]),
  );
  return loaded;
}

function readRule(name: string): ImageRule {
  const content = readFileSync(join(directory, name), 'utf8');
  const yaml = new YamlSource(content);
  const parsed = imageRuleSchema.safeParse(yaml.value);
  if (!parsed.success || `${parsed.data.id}.yaml` !== name) {
    const reason = parsed.success ? `its id is ${parsed.data.id}` : parsed.error.message;
    throw new CodedError('image-rule-invalid', `the rule about images ${name} is not valid: ${reason}`);
  }
  return { ...parsed.data, version: createHash('sha256').update(content).digest('hex').slice(0, 12), file: name };
}
