import { type Document, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { CodedError } from '../../common/errors.ts';
import { type PolicyDocument, policySchema } from './policy-schema.ts';

/**
 * Parses a policy. With `base` given, what the text leaves out is taken from there and its rules come first.
 *
 * @throws CodedError<'policy-invalid'> naming file, line, path and expectation of every problem.
 */
export function parsePolicyText(text: string, file: string, base: PolicyDocument | undefined): PolicyDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0)
    throw invalid(
      file,
      document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`),
    );
  let written: unknown;
  try {
    written = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(file, [`${file}: ${String(error)}`]);
  }
  if (!isRecord(written)) throw invalid(file, [`${file}:1: expected a map with version, name, …`]);
  const ownRuleCount = Array.isArray(written.rules) ? written.rules.length : 0;
  const parsed = policySchema.safeParse(base === undefined ? written : layOver(base, written));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => describe(issue, document, lines, file, ownRuleCount));
  throw invalid(file, [...new Set(problems)]);
}

function invalid(file: string, problems: readonly string[]): CodedError<'policy-invalid'> {
  const shown = problems.slice(0, 50);
  if (problems.length > shown.length) shown.push(`… and ${problems.length - shown.length} more`);
  return new CodedError('policy-invalid', `policy ${file} is refused:\n  ${shown.join('\n  ')}`, {
    hint: 'docs/policy.md lists every key',
  });
}

/** Maps are merged key by key, so that one number can be changed alone; everything else replaces. */
function layOver(base: PolicyDocument, written: Record<string, unknown>): Record<string, unknown> {
  const { version: _version, name: _name, rules, ...sections } = base;
  const merged = mergeMaps(sections, written);
  if (written.rules === undefined) merged.rules = rules;
  else if (Array.isArray(written.rules)) merged.rules = [...written.rules, ...rules];
  return merged;
}

function mergeMaps(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    Object.defineProperty(merged, key, {
      value: isRecord(below) && isRecord(value) ? mergeMaps(below, value) : value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(
  issue: z.core.$ZodIssue,
  document: Document,
  lines: LineCounter,
  file: string,
  ownRuleCount: number,
): string[] {
  const path = issue.path as readonly (string | number)[];
  const expectation = issue.message.replace(/^Invalid input: /, '').replace(/^Invalid option: /, '');
  if (path[0] === 'rules' && typeof path[1] === 'number' && path[1] >= ownRuleCount)
    return [`${file}: shipped rule ${path.join('.')}: ${expectation}`];
  const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
  return paths.map((at) => {
    const line = lineOf(document, lines, at);
    const what = issue.code === 'unrecognized_keys' ? 'unknown key' : expectation;
    return `${file}${line === undefined ? '' : `:${line}`}: ${at.join('.') || '(top level)'}: ${what}`;
  });
}

/** Line of the key at `path`, or of the nearest thing around it that is written in the file. */
function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const parent = length === 0 ? undefined : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const node = isMap(parent) ? keyNode(parent, key) : length === 0 ? document.contents : undefined;
    const found = node ?? document.getIn(path.slice(0, length), true);
    const range = (found as { range?: readonly number[] } | undefined)?.range;
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
  }
  return undefined;
}

function keyNode(map: YAMLMap, key: string | number | undefined): unknown {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key))?.key;
}
