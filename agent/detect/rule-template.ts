import { escapeHostile } from '../../common/escape.ts';
import type { EventKind } from './field-catalog.ts';
import { type FieldPath, fieldText, isPrintable, readPath, resolvePath } from './field-path.ts';
import type { EventScope } from './scope.ts';

const maxValueLength = 256;
const maxSummaryLength = 1_024;

/** A sentence with `{path}` placeholders; `{{` and `}}` are braces, `[[` and `]]` enclose what may be left out. */
export interface RuleTemplate {
  paths: readonly FieldPath[];
  /**
   * The sentence with the values of an event, hostile bytes escaped; an absent value reads "(unknown)". What is enclosed by
   * `[[` and `]]` is left out where a placeholder in it is absent or empty.
   */
  render(scope: EventScope): string;
}

export interface TemplateProblem {
  offset: number;
  reason: string;
  hint: string | undefined;
}

export type TemplateResult = { ok: true; template: RuleTemplate } | { ok: false; problems: TemplateProblem[] };

/** A text, a value, or a part that may be left out. */
type Part = string | FieldPath | Part[];

const token = /\{\{|\}\}|\[\[|\]\]|\{([^{}]*)\}|[{}]/g;
const bracketHint = 'write [[ before and ]] behind what may be left out, not one inside the other';

export function compileTemplate(kind: EventKind, text: string): TemplateResult {
  const parts: Part[] = [];
  const problems: TemplateProblem[] = [];
  const paths: FieldPath[] = [];
  let optional: { parts: Part[]; offset: number } | undefined;
  let end = 0;
  for (const match of text.matchAll(token)) {
    const target = optional?.parts ?? parts;
    target.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[0] === '{{' || match[0] === '}}') target.push(match[0].slice(1));
    else if (match[0] === '[[' && optional === undefined) optional = { parts: [], offset: match.index };
    else if (match[0] === ']]' && optional !== undefined) {
      parts.push(optional.parts);
      optional = undefined;
    } else if (match[1] === undefined) problems.push(unpaired(match.index, match[0]));
    else {
      const path = placeholder(kind, match.index, match[1], problems);
      if (path !== undefined) paths.push(path);
      target.push(path ?? '');
    }
  }
  if (optional !== undefined) problems.push(unpaired(optional.offset, '[['));
  parts.push(text.slice(end));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, template: { paths, render: (scope) => shortened(renderParts(parts, scope)) } };
}

function unpaired(offset: number, what: string): TemplateProblem {
  const isBrace = what === '{' || what === '}';
  return { offset, reason: `unpaired "${what}"`, hint: isBrace ? 'write {{ or }} for a brace' : bracketHint };
}

function placeholder(
  kind: EventKind,
  offset: number,
  path: string,
  problems: TemplateProblem[],
): FieldPath | undefined {
  const resolved = resolvePath(kind, path, 'sentence');
  if (resolved.ok && isPrintable(resolved.path.type)) return resolved.path;
  const reason = resolved.ok ? `"${path}" is an object (${resolved.path.type}), not a value` : resolved.reason;
  problems.push({ offset: offset + 1, reason, hint: resolved.ok ? 'name one of its fields' : resolved.hint });
  return undefined;
}

function renderParts(parts: readonly Part[], scope: EventScope): string {
  let sentence = '';
  for (const part of parts) {
    if (typeof part === 'string') sentence += part;
    else if (isOptional(part)) sentence += renderOptional(part, scope);
    else sentence += valueText(part, scope) ?? '(unknown)';
  }
  return sentence;
}

function renderOptional(parts: readonly Part[], scope: EventScope): string {
  const isKnown = parts.every((part) => typeof part === 'string' || isOptional(part) || !!valueText(part, scope));
  return isKnown ? renderParts(parts, scope) : '';
}

function valueText(path: FieldPath, scope: EventScope): string | undefined {
  const text = fieldText(readPath(scope, path.segments), maxValueLength);
  return text === undefined ? undefined : escapeHostile(text);
}

function isOptional(part: Exclude<Part, string>): part is Part[] {
  return Array.isArray(part);
}

function shortened(sentence: string): string {
  return sentence.length > maxSummaryLength ? `${sentence.slice(0, maxSummaryLength - 1)}…` : sentence;
}
