import { escapeHostile } from '../../common/escape.ts';
import type { EventKind } from './field-catalog.ts';
import { type FieldPath, fieldText, isPrintable, readPath, resolvePath } from './field-path.ts';
import type { EventScope } from './scope.ts';

const maxValueLength = 256;
const maxSummaryLength = 1_024;

/** A sentence with `{path}` placeholders; `{{` and `}}` are braces. */
export interface RuleTemplate {
  paths: readonly FieldPath[];
  /** The sentence with the values of an event, hostile bytes escaped; an absent value reads "(unknown)". */
  render(scope: EventScope): string;
}

export interface TemplateProblem {
  offset: number;
  reason: string;
  hint: string | undefined;
}

export type TemplateResult = { ok: true; template: RuleTemplate } | { ok: false; problems: TemplateProblem[] };

const token = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

export function compileTemplate(kind: EventKind, text: string): TemplateResult {
  const parts: (string | FieldPath)[] = [];
  const problems: TemplateProblem[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    parts.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[0] === '{{' || match[0] === '}}') parts.push(match[0].slice(1));
    else parts.push(placeholder(kind, match, problems));
  }
  parts.push(text.slice(end));
  if (problems.length > 0) return { ok: false, problems };
  const paths = parts.filter((part) => typeof part !== 'string');
  return { ok: true, template: { paths, render: (scope) => renderParts(parts, scope) } };
}

function placeholder(kind: EventKind, match: RegExpExecArray, problems: TemplateProblem[]): string | FieldPath {
  const path = match[1];
  if (path === undefined) {
    problems.push({ offset: match.index, reason: `unpaired "${match[0]}"`, hint: 'write {{ or }} for a brace' });
    return '';
  }
  const resolved = resolvePath(kind, path);
  if (resolved.ok && isPrintable(resolved.path.type)) return resolved.path;
  const reason = resolved.ok ? `"${path}" is an object (${resolved.path.type}), not a value` : resolved.reason;
  problems.push({ offset: match.index + 1, reason, hint: resolved.ok ? 'name one of its fields' : resolved.hint });
  return '';
}

function renderParts(parts: readonly (string | FieldPath)[], scope: EventScope): string {
  let sentence = '';
  for (const part of parts) {
    if (typeof part === 'string') sentence += part;
    else sentence += escapeHostile(fieldText(readPath(scope, part.segments), maxValueLength) ?? '(unknown)');
  }
  return sentence.length > maxSummaryLength ? `${sentence.slice(0, maxSummaryLength - 1)}…` : sentence;
}
