import type { ASTNode } from '@marcbachmann/cel-js';
import { closedValuesOf } from './closed-values.ts';
import type { EventKind } from './field-catalog.ts';
import { fieldReader, type Literal, literalOf, pathOfNode } from './prefilter.ts';
import type { EventScope } from './scope.ts';

/** A field, and values of it. */
export interface FieldValues {
  /** As it is written in the condition. */
  path: string;
  read: (scope: EventScope) => unknown;
  values: ReadonlySet<Literal>;
}

/**
 * Where a condition is true, at least one of these fields has one of its values. Conditions are looked up by it, instead of every
 * one being asked about every event. Undefined where no comparison of a field with literals has to hold.
 */
export type NecessaryValues = readonly FieldValues[];

export function necessaryValues(kind: EventKind, node: ASTNode): NecessaryValues | undefined {
  switch (node.op) {
    case '&&':
      return narrower(kind, necessaryValues(kind, node.args[0]), necessaryValues(kind, node.args[1]));
    case '||':
      return united(necessaryValues(kind, node.args[0]), necessaryValues(kind, node.args[1]));
    case '==':
      return equality(kind, node.args);
    case 'in':
      return membership(kind, node.args);
    case '.':
      return ofField(kind, node, [true]);
    default:
      return undefined;
  }
}

/** False where a condition that needs these cannot be true. */
export function areMet(needs: NecessaryValues | undefined, scope: EventScope): boolean {
  return needs === undefined || needs.some(({ read, values }) => values.has(read(scope) as Literal));
}

/** Both have to hold: the one that tells more is enough. */
function narrower(
  kind: EventKind,
  left: NecessaryValues | undefined,
  right: NecessaryValues | undefined,
): NecessaryValues | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return breadth(kind, right) < breadth(kind, left) ? right : left;
}

/** How many events have one of the values, as far as that can be told: less is better. */
function breadth(kind: EventKind, needs: NecessaryValues): number {
  return needs.reduce((sum, { path, values }) => sum + breadthOfField(kind, path, values), 0);
}

/** More than any list of texts. */
const manyValues = 10_000;

/**
 * Few texts or numbers tell most. One of a handful of values (`entry`, `layer`) tells less; true and false, and the empty
 * text that most events have, nearly nothing.
 */
function breadthOfField(kind: EventKind, path: string, values: ReadonlySet<Literal>): number {
  if ([...values].some((value) => typeof value === 'boolean' || value === '')) return Number.POSITIVE_INFINITY;
  const isOneOfFew = (closedValuesOf(kind, path)?.examples.length ?? manyValues) <= 16;
  return isOneOfFew ? manyValues : values.size;
}

/** Either may hold. */
function united(left: NecessaryValues | undefined, right: NecessaryValues | undefined): NecessaryValues | undefined {
  if (left === undefined || right === undefined) return undefined;
  const byPath = new Map(left.map((field) => [field.path, field]));
  for (const field of right) {
    const values = new Set([...(byPath.get(field.path)?.values ?? []), ...field.values]);
    byPath.set(field.path, { ...field, values });
  }
  return [...byPath.values()];
}

function equality(kind: EventKind, [left, right]: [ASTNode, ASTNode]): NecessaryValues | undefined {
  const literal = literalOf(right);
  if (literal !== undefined) return ofField(kind, left, [literal]);
  const reversed = literalOf(left);
  return reversed === undefined ? undefined : ofField(kind, right, [reversed]);
}

function membership(kind: EventKind, [left, right]: [ASTNode, ASTNode]): NecessaryValues | undefined {
  if (right.op !== 'list') return undefined;
  const literals = right.args.map(literalOf).filter((literal) => literal !== undefined);
  return literals.length === right.args.length ? ofField(kind, left, literals) : undefined;
}

function ofField(kind: EventKind, node: ASTNode, values: readonly Literal[]): NecessaryValues | undefined {
  const path = pathOfNode(node);
  const read = fieldReader(kind, node);
  return path === undefined || read === undefined ? undefined : [{ path, read, values: new Set(values) }];
}
