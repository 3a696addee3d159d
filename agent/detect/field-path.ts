import { didYouMean } from '../../common/suggest.ts';
import { type EventKind, fieldsOf, variablesOf } from './field-catalog.ts';
import type { EventScope } from './scope.ts';
import { sentenceFields } from './sentence-fields.ts';

/** A dotted path from a variable to a field, such as "process.executable.path". */
export interface FieldPath {
  text: string;
  segments: readonly string[];
  /** CEL type of what it leads to. */
  type: string;
}

export type PathResolution = { ok: true; path: FieldPath } | { ok: false; reason: string; hint: string | undefined };

/** Where a path stands: words for people are refused where something is decided. */
export type PathUse = 'decision' | 'sentence';

/** Checks a path against the fields of an event kind; a map's key is the segment behind it. */
export function resolvePath(kind: EventKind, text: string, use: PathUse = 'decision'): PathResolution {
  const segments = text.split('.');
  const variables = variablesOf(kind);
  const variable = segments[0] ?? '';
  let type: string | undefined = Object.hasOwn(variables, variable) ? variables[variable] : undefined;
  if (type === undefined) {
    return {
      ok: false,
      reason: `unknown variable "${variable}" for ${kind} events`,
      hint: didYouMean(variable, Object.keys(variables)),
    };
  }
  for (const segment of segments.slice(1)) {
    const next: string | undefined = memberType(type, segment) ?? wordType(type, segment, use);
    if (next === undefined)
      return { ok: false, reason: `unknown field "${segment}" in "${text}"`, hint: hintFor(type, segment, use) };
    type = next;
  }
  return { ok: true, path: { text, segments, type } };
}

function memberType(type: string, segment: string): string | undefined {
  if (type === 'map<string, string>') return segment === '' ? undefined : 'string';
  const fields = fieldsOf(type);
  return fields !== undefined && Object.hasOwn(fields, segment) ? fields[segment]?.type : undefined;
}

function wordType(type: string, segment: string, use: PathUse): string | undefined {
  return use === 'sentence' && isWord(type, segment) ? 'string' : undefined;
}

function isWord(type: string, segment: string): boolean {
  return Object.hasOwn(sentenceFields[type] ?? {}, segment);
}

function hintFor(type: string, segment: string, use: PathUse): string {
  if (use === 'decision' && isWord(type, segment)) return 'it is a word for sentences: only "summary" can use it';
  const known = Object.keys({ ...fieldsOf(type), ...(use === 'sentence' ? sentenceFields[type] : {}) });
  if (known.length === 0) return `${type} has no fields`;
  return didYouMean(segment, known) ?? `fields: ${known.join(', ')}`;
}

/** True for texts, integers and booleans. */
export function isScalar(type: string): boolean {
  return type === 'string' || type === 'int' || type === 'bool';
}

/** True for what evidence can be written of: scalars, lists and maps, but not objects such as `process`. */
export function isPrintable(type: string): boolean {
  return fieldsOf(type) === undefined;
}

/** The value at a path; undefined when it, or something on the way to it, is absent. */
export function readPath(scope: EventScope, segments: readonly string[]): unknown {
  let value: unknown = scope;
  for (const segment of segments) {
    if (value === undefined || value === null) return undefined;
    value = value instanceof Map ? value.get(segment) : (value as Record<string, unknown>)[segment];
  }
  return value;
}

const maxListItems = 64;

/** A field's value as text, cut to `maxLength` characters; undefined when it is absent. */
export function fieldText(value: unknown, maxLength: number): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = textOf(value);
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.slice(0, maxListItems).map(String).join(', ');
  return value instanceof Map ? JSON.stringify(Object.fromEntries(value)) : String(value);
}
