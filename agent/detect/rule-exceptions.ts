import type { EventKind } from './field-catalog.ts';
import { isScalar, readPath, resolvePath } from './field-path.ts';
import type { Comparator, ExceptionSource } from './rule-schema.ts';
import { compileRegularExpression } from './safe-matches.ts';
import type { EventScope } from './scope.ts';

export interface CompiledException {
  name: string;
  applies(scope: EventScope): boolean;
}

/** Says what is wrong at a place inside the exception. */
export type ReportProblem = (path: PropertyKey[], reason: string, hint?: string) => void;

type Value = ExceptionSource['values'][number][number];
type Test = (value: unknown) => boolean;

interface Column {
  segments: readonly string[];
  type: string;
  comparator: Comparator;
}

/** Undefined when something was reported. An absent field never makes an exception apply. */
export function compileException(
  kind: EventKind,
  source: ExceptionSource,
  report: ReportProblem,
): CompiledException | undefined {
  const columns = compileColumns(kind, source, report);
  if (columns === undefined) return undefined;
  const tuples: Test[][] = [];
  for (const [row, tuple] of source.values.entries()) {
    const tests = compileTuple(columns, tuple, (path, reason, hint) => report(['values', row, ...path], reason, hint));
    if (tests === undefined) return undefined;
    tuples.push(tests);
  }
  return { name: source.name, applies: (scope) => anyTupleHolds(columns, tuples, scope) };
}

function anyTupleHolds(columns: readonly Column[], tuples: readonly Test[][], scope: EventScope): boolean {
  const values = columns.map((column) => readPath(scope, column.segments));
  if (values.includes(undefined)) return false;
  return tuples.some((tests) => tests.every((test, index) => test(values[index])));
}

function compileColumns(kind: EventKind, source: ExceptionSource, report: ReportProblem): Column[] | undefined {
  if (source.comparators.length !== source.fields.length) {
    report(
      ['comparators'],
      `${source.fields.length} fields need as many comparators, not ${source.comparators.length}`,
    );
    return undefined;
  }
  const columns: Column[] = [];
  for (const [index, field] of source.fields.entries()) {
    const comparator = source.comparators[index] ?? '==';
    const resolved = resolvePath(kind, field);
    if (!resolved.ok) report(['fields', index], resolved.reason, resolved.hint);
    else if (!isScalar(resolved.path.type)) report(['fields', index], `"${field}" is no text, number or boolean`);
    else if (isTextComparator(comparator) && resolved.path.type !== 'string')
      report(['comparators', index], `"${comparator}" needs a text; "${field}" is ${resolved.path.type}`);
    else columns.push({ segments: resolved.path.segments, type: resolved.path.type, comparator });
  }
  return columns.length === source.fields.length ? columns : undefined;
}

function isTextComparator(comparator: Comparator): boolean {
  return comparator !== '==' && comparator !== '!=' && comparator !== 'in';
}

function compileTuple(columns: readonly Column[], tuple: Value[], report: ReportProblem): Test[] | undefined {
  if (tuple.length !== columns.length) {
    report([], `${columns.length} fields need as many values, not ${tuple.length}`);
    return undefined;
  }
  const tests: Test[] = [];
  for (const [index, column] of columns.entries()) {
    const test = compileTest(column, tuple[index] as Value);
    if (typeof test === 'string') report([index], test);
    else tests.push(test);
  }
  return tests.length === columns.length ? tests : undefined;
}

/** The comparison with one value, or what is wrong with the value. */
function compileTest({ type, comparator }: Column, value: Value): Test | string {
  if (comparator === 'in' || Array.isArray(value)) return compileMembership(type, comparator, value);
  const literal = literalOf(type, value);
  if (literal === undefined) return `the value must be a ${type}, as the field is`;
  if (comparator === '==') return (actual) => actual === literal;
  if (comparator === '!=') return (actual) => actual !== literal;
  const text = String(literal);
  if (comparator === 'startsWith') return (actual) => String(actual).startsWith(text);
  if (comparator === 'endsWith') return (actual) => String(actual).endsWith(text);
  if (comparator === 'contains') return (actual) => String(actual).includes(text);
  return compilePattern(text);
}

function compileMembership(type: string, comparator: Comparator, value: Value): Test | string {
  if (comparator !== 'in') return `"${comparator}" needs one value, not a list`;
  if (!Array.isArray(value)) return '"in" needs a list of values';
  const literals = value.map((item) => literalOf(type, item));
  if (literals.includes(undefined)) return `every value must be a ${type}, as the field is`;
  const set = new Set<unknown>(literals);
  return (actual) => set.has(actual);
}

/** The whole text has to match: an exception that matches more than was meant hides what it should not. */
function compilePattern(pattern: string): Test | string {
  try {
    const compiled = compileRegularExpression(pattern);
    return (actual) => compiled.matches(String(actual));
  } catch (error) {
    return `the pattern is not valid RE2: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function literalOf(type: string, value: string | number | boolean): string | bigint | boolean | undefined {
  if (type === 'int') return typeof value === 'number' ? BigInt(value) : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  return typeof value === 'string' ? value : undefined;
}
