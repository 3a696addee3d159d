import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../../common/suggest.ts';
import { closedValuesOf } from './closed-values.ts';
import type { EventKind } from './field-catalog.ts';
import { pathOfNode } from './prefilter.ts';

export interface UnreachablePart {
  offset: number;
  reason: string;
  hint: string | undefined;
}

/**
 * A part of a condition that can never be true, as a slip of the pen makes it: a comparison with a value the field never
 * has, or one field that is to equal two values at once. Undefined when none is found; it does not find all there are.
 */
export function findUnreachable(kind: EventKind, ast: ASTNode): UnreachablePart | undefined {
  return impossibleValue(kind, ast) ?? contradiction(ast);
}

/** A field compared with literals. */
interface Comparison {
  path: string;
  values: { text: string; offset: number }[];
  /** True where the field has to be one of the values: `==`, or `in` a list. */
  exact: boolean;
}

function impossibleValue(kind: EventKind, ast: ASTNode): UnreachablePart | undefined {
  for (const node of nodesOf(ast)) {
    const comparison = comparisonOf(node);
    const values = comparison === undefined ? undefined : closedValuesOf(kind, comparison.path);
    const wrong = comparison?.values.find(({ text }) => values?.has(text) === false);
    if (comparison === undefined || values === undefined || wrong === undefined) continue;
    const reason = `"${comparison.path}" is never "${wrong.text}" for ${kind} events`;
    const hint =
      didYouMean(wrong.text, values.examples) ??
      didYouMean(`CAP_${wrong.text}`, values.examples) ??
      `it can be ${values.examples.slice(0, 8).join(', ')}`;
    return { offset: wrong.offset, reason, hint };
  }
  return undefined;
}

/** Two comparisons that both have to hold, of one field with values that have none in common. */
function contradiction(ast: ASTNode): UnreachablePart | undefined {
  for (const node of nodesOf(ast)) {
    if (node.op !== '&&') continue;
    const seen = new Map<string, Comparison>();
    for (const part of conjunctsOf(node)) {
      const comparison = comparisonOf(part);
      if (comparison?.exact !== true) continue;
      const other = seen.get(comparison.path);
      seen.set(comparison.path, comparison);
      if (other === undefined || shareValue(other, comparison)) continue;
      const reason = `"${comparison.path}" cannot be ${namesOf(other)} and ${namesOf(comparison)} at once`;
      return { offset: comparison.values[0]?.offset ?? 0, reason, hint: 'is "||" meant?' };
    }
  }
  return undefined;
}

function shareValue(a: Comparison, b: Comparison): boolean {
  return a.values.some(({ text }) => b.values.some((other) => other.text === text));
}

function namesOf({ values }: Comparison): string {
  return values.map(({ text }) => `"${text}"`).join(' or ');
}

function* conjunctsOf(node: ASTNode): Generator<ASTNode> {
  if (node.op !== '&&') yield node;
  else for (const side of node.args) yield* conjunctsOf(side);
}

function comparisonOf(node: ASTNode): Comparison | undefined {
  if (node.op !== '==' && node.op !== '!=' && node.op !== 'in') return undefined;
  const [left, right] = node.args;
  if (node.op === 'in' && right.op === 'list') return comparisonWithList(left, right.args);
  const path = pathOfNode(left) ?? pathOfNode(right);
  const value = textOf(right) ?? textOf(left);
  return path === undefined || value === undefined ? undefined : { path, values: [value], exact: node.op === '==' };
}

function comparisonWithList(field: ASTNode, list: readonly ASTNode[]): Comparison | undefined {
  const path = pathOfNode(field);
  const values = list.map(textOf).filter((value) => value !== undefined);
  if (path === undefined || values.length === 0 || values.length < list.length) return undefined;
  return { path, values, exact: true };
}

function textOf(node: ASTNode): { text: string; offset: number } | undefined {
  return node.op === 'value' && typeof node.args === 'string'
    ? { text: node.args, offset: node.range.start }
    : undefined;
}

function* nodesOf(root: ASTNode): Generator<ASTNode> {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const next = pending.pop();
    if (Array.isArray(next)) pending.push(...next);
    if (!isNode(next)) continue;
    yield next;
    pending.push(next.args);
  }
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}
