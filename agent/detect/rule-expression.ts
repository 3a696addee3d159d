import {
  type ASTNode,
  TypeError as CelTypeError,
  type Environment,
  EvaluationError,
  ParseError,
} from '@marcbachmann/cel-js';
import { didYouMean } from '../../common/suggest.ts';
import { type EventKind, eventKinds, fieldCatalog, fieldsOf, typesOfKind, variablesOf } from './field-catalog.ts';
import { type FieldPath, isPrintable, resolvePath } from './field-path.ts';
import { type NecessaryValues, necessaryValues } from './necessary-values.ts';
import { createPrefilter, pathOfNode } from './prefilter.ts';
import { findUnreachable } from './reachability.ts';
import type { EventScope } from './scope.ts';
import { sentenceFields } from './sentence-fields.ts';

/** A rule's condition for one kind of event. */
export interface RuleExpression {
  /** False where the condition cannot be true; cheap. */
  mayMatch(scope: EventScope): boolean;
  /** The condition is asked only about events that have these; undefined: about all. */
  needs: NecessaryValues | undefined;
  /** An absent field that decides makes it false. @throws EvaluationError for what is wrong in the expression itself. */
  evaluate(scope: EventScope): boolean;
  /** The values the condition looks at. */
  paths: readonly FieldPath[];
}

export interface ExpressionProblem {
  offset: number;
  reason: string;
  hint: string | undefined;
}

export type ExpressionResult = { ok: true; expression: RuleExpression } | { ok: false; problem: ExpressionProblem };

/** What CEL throws where a field, a list's element or a map's key is not there. */
const absentCodes = new Set(['no_such_key', 'unknown_variable', 'index_out_of_bounds']);

export function compileExpression(kind: EventKind, environment: Environment, text: string): ExpressionResult {
  try {
    const parsed = environment.parse(text);
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, problem: problemOf(kind, checked.error, text) };
    if (checked.type !== 'bool') {
      const reason = `the condition must be true or false, this one is ${checked.type}`;
      return { ok: false, problem: { offset: 0, reason, hint: undefined } };
    }
    const unreachable = findUnreachable(kind, parsed.ast);
    if (unreachable !== undefined) return { ok: false, problem: unreachable };
    const paths = pathsOf(kind, parsed.ast);
    if (paths.length === 0 && parsed({}) !== true)
      return { ok: false, problem: { offset: 0, reason: 'the condition is never true', hint: undefined } };
    const expression = {
      mayMatch: createPrefilter(kind, parsed.ast),
      needs: necessaryValues(kind, parsed.ast),
      evaluate: (scope: EventScope) => evaluate(parsed, scope),
      paths,
    };
    return { ok: true, expression };
  } catch (error) {
    return { ok: false, problem: problemOf(kind, error, text) };
  }
}

function evaluate(condition: (scope: EventScope) => unknown, scope: EventScope): boolean {
  try {
    return condition(scope) === true;
  } catch (error) {
    if (error instanceof EvaluationError && absentCodes.has(error.code)) return false;
    throw error;
  }
}

function problemOf(kind: EventKind, error: unknown, text: string): ExpressionProblem {
  if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)) {
    return { offset: 0, reason: error instanceof Error ? error.message : String(error), hint: undefined };
  }
  const { start = 0, end = 0 } = error.range ?? {};
  const place = text.slice(start, end);
  const name = place.slice(place.lastIndexOf('.') + 1).trim();
  if (error.code === 'no_such_key') {
    return {
      offset: start,
      reason: `unknown field "${name}" for ${kind} events`,
      hint: fieldHint(kind, name),
    };
  }
  if (error.code === 'unknown_variable') {
    const variables = Object.keys(variablesOf(kind));
    const hint = didYouMean(name, variables) ?? `variables: ${variables.join(', ')}`;
    return { offset: start, reason: `unknown variable "${name}" for ${kind} events`, hint };
  }
  return { offset: start, reason: `CEL: ${error.summary}`, hint: undefined };
}

function fieldHint(kind: EventKind, name: string): string | undefined {
  if (Object.values(sentenceFields).some((words) => Object.hasOwn(words, name)))
    return 'it is a word for sentences: only "summary" can use it';
  const own = typesOfKind(kind);
  const others = eventKinds.filter(
    (other) => other !== kind && typesOfKind(other).some((type) => Object.hasOwn(fieldsOf(type) ?? {}, name)),
  );
  if (others.length > 0) return `it is a field of ${others.join(' and ')} events`;
  const foreign = new Set<string>(eventKinds.flatMap(typesOfKind).filter((type) => !own.includes(type)));
  const types = Object.keys(fieldCatalog).filter((type) => !foreign.has(type));
  return didYouMean(name, new Set(types.flatMap((type) => Object.keys(fieldsOf(type) ?? {}))));
}

function pathsOf(kind: EventKind, ast: ASTNode): FieldPath[] {
  const paths = new Map<string, FieldPath>();
  const pending: unknown[] = [ast];
  while (pending.length > 0) {
    const next = pending.pop();
    if (Array.isArray(next)) pending.push(...next);
    if (!isNode(next)) continue;
    const resolved = resolvePath(kind, pathOfNode(next) ?? '');
    if (resolved.ok && isPrintable(resolved.path.type)) paths.set(resolved.path.text, resolved.path);
    else pending.push(next.args);
  }
  return [...paths.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}
