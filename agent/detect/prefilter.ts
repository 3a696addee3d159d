import type { ASTNode } from '@marcbachmann/cel-js';
import type { EventKind } from './field-catalog.ts';
import { isScalar, resolvePath } from './field-path.ts';
import type { EventScope } from './scope.ts';

/** CEL's three answers for a condition: true, false, or undefined where a field it needs is absent. */
type Answer = boolean | undefined;
type Test = (scope: EventScope) => Answer;

interface Filter {
  test: Test;
  /** False when `test` may say true where the expression would not; never the other way round. */
  exact: boolean;
}

const opaque: Filter = { test: () => true, exact: false };

/**
 * A cheap test made from an expression's own comparisons of fields with literals: where it says anything but true, the
 * expression cannot be true and need not be evaluated. What it does not understand counts as true; CEL stays the judge.
 */
export function createPrefilter(kind: EventKind, ast: ASTNode): (scope: EventScope) => boolean {
  const filter = compile(kind, ast);
  return (scope) => filter.test(scope) === true;
}

function compile(kind: EventKind, node: ASTNode): Filter {
  switch (node.op) {
    case '&&':
      return both(compile(kind, node.args[0]), compile(kind, node.args[1]));
    case '||':
      return either(compile(kind, node.args[0]), compile(kind, node.args[1]));
    case '!_':
      return not(compile(kind, node.args));
    case '==':
      return compareWithLiteral(kind, node.args, (a, b) => a === b);
    case '!=':
      return compareWithLiteral(kind, node.args, (a, b) => a !== b);
    case 'in':
      return membership(kind, node.args);
    case 'rcall':
      return method(kind, node);
    case '.':
      return fieldIsTrue(kind, node);
    default:
      return opaque;
  }
}

function both(left: Filter, right: Filter): Filter {
  if (left === opaque) return right === opaque ? opaque : { test: right.test, exact: false };
  if (right === opaque) return { test: left.test, exact: false };
  const test: Test = (scope) => {
    const first = left.test(scope);
    if (first === false) return false;
    const second = right.test(scope);
    if (second === false) return false;
    return first === undefined || second === undefined ? undefined : true;
  };
  return { test, exact: left.exact && right.exact };
}

function either(left: Filter, right: Filter): Filter {
  if (left === opaque || right === opaque) return opaque;
  const test: Test = (scope) => {
    const first = left.test(scope);
    if (first === true) return true;
    const second = right.test(scope);
    if (second === true) return true;
    return first === undefined || second === undefined ? undefined : false;
  };
  return { test, exact: left.exact && right.exact };
}

function not(inner: Filter): Filter {
  if (!inner.exact) return opaque;
  const test: Test = (scope) => {
    const answer = inner.test(scope);
    return answer === undefined ? undefined : !answer;
  };
  return { test, exact: true };
}

export type Literal = string | bigint | boolean;

function compareWithLiteral(
  kind: EventKind,
  [left, right]: [ASTNode, ASTNode],
  compare: (a: unknown, b: Literal) => boolean,
): Filter {
  const reader = fieldReader(kind, left) ?? fieldReader(kind, right);
  const literal = literalOf(right) ?? literalOf(left);
  if (reader === undefined || literal === undefined) return opaque;
  return exactTest(reader, (value) => compare(value, literal));
}

function membership(kind: EventKind, [left, right]: [ASTNode, ASTNode]): Filter {
  const reader = fieldReader(kind, left);
  if (reader === undefined || right.op !== 'list') return opaque;
  const literals = right.args.map(literalOf);
  if (literals.includes(undefined)) return opaque;
  const set = new Set<unknown>(literals);
  return exactTest(reader, (value) => set.has(value));
}

const textTests: Record<string, (text: string, part: string) => boolean> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

function method(kind: EventKind, node: ASTNode & { op: 'rcall' }): Filter {
  const [name, receiver, parameters] = node.args;
  if (name === 'exists') return hasElements(kind, receiver);
  const test = Object.hasOwn(textTests, name) ? textTests[name] : undefined;
  const reader = fieldReader(kind, receiver);
  const part = parameters[0] === undefined ? undefined : literalOf(parameters[0]);
  if (test === undefined || reader === undefined || typeof part !== 'string') return opaque;
  return exactTest(reader, (value) => test(value as string, part));
}

/** None of the elements of an empty list is anything. */
function hasElements(kind: EventKind, receiver: ASTNode): Filter {
  const read = valueReader(kind, receiver, (type) => type.startsWith('list<'));
  return read === undefined
    ? opaque
    : { test: (scope) => (read(scope) as unknown[] | undefined)?.length !== 0, exact: false };
}

function fieldIsTrue(kind: EventKind, node: ASTNode): Filter {
  const reader = fieldReader(kind, node);
  return reader === undefined ? opaque : exactTest(reader, (value) => value === true);
}

function exactTest(read: (scope: EventScope) => unknown, test: (value: unknown) => boolean): Filter {
  return {
    test: (scope) => {
      const value = read(scope);
      return value === undefined ? undefined : test(value);
    },
    exact: true,
  };
}

/** What a literal stands for; undefined for anything else. */
export function literalOf(node: ASTNode): Literal | undefined {
  if (node.op !== 'value') return undefined;
  const value = node.args;
  return typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean' ? value : undefined;
}

/** Reads a scalar field; undefined for anything else, and for keys of maps. */
export function fieldReader(kind: EventKind, node: ASTNode): Reader | undefined {
  return valueReader(kind, node, isScalar);
}

function valueReader(kind: EventKind, node: ASTNode, isWanted: (type: string) => boolean): Reader | undefined {
  const text = pathOfNode(node);
  if (text === undefined || text.startsWith('container.labels.')) return undefined;
  const resolved = resolvePath(kind, text);
  if (!resolved.ok || !isWanted(resolved.path.type)) return undefined;
  return compiledReader(resolved.path.segments);
}

type Reader = (scope: EventScope) => unknown;
const readers = new Map<string, Reader>();

/**
 * Reads a field whose path the catalog knows. Compiled, and one for each path: an access by a name that is a variable is many
 * times slower than one whose name stands in the code, and every event is read by some dozens of them.
 */
function compiledReader(segments: readonly string[]): Reader {
  if (!segments.every((segment) => /^[A-Za-z]\w*$/.test(segment))) throw new Error(`no path: ${segments.join('.')}`);
  const access = `scope.${segments.join('?.')}`;
  const known = readers.get(access);
  if (known !== undefined) return known;
  const reader = new Function('scope', `return ${access}`) as Reader;
  readers.set(access, reader);
  return reader;
}

/** The dotted path that a chain of field accesses spells; undefined when the node is no such chain. */
export function pathOfNode(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const owner = pathOfNode(node.args[0]);
  return owner === undefined ? undefined : `${owner}.${node.args[1]}`;
}
