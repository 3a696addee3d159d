import type { ASTNode } from '@marcbachmann/cel-js';
import type { EventKind } from './field-catalog.ts';
import { fieldReader, type Literal, literalOf, pathOfNode } from './prefilter.ts';
import type { EventScope } from './scope.ts';

/** A field that must have one of these values where a condition is true. */
export interface NecessaryValues {
  /** As it is written in the condition. */
  path: string;
  read: (scope: EventScope) => unknown;
  values: ReadonlySet<Literal>;
}

/**
 * The field that tells most about whether a condition can be true: events are looked up by it, instead of every condition being
 * asked about every event. Undefined where the condition compares no field with literals in a way that has to hold.
 */
export function necessaryValues(kind: EventKind, ast: ASTNode): NecessaryValues | undefined {
  return collect(kind, ast).toSorted((a, b) => breadth(a) - breadth(b))[0];
}

/** Few texts or numbers tell most; true and false nearly nothing. */
function breadth({ values }: NecessaryValues): number {
  return [...values].some((value) => typeof value === 'boolean') ? Number.POSITIVE_INFINITY : values.size;
}

function collect(kind: EventKind, node: ASTNode): NecessaryValues[] {
  switch (node.op) {
    case '&&':
      return [...collect(kind, node.args[0]), ...collect(kind, node.args[1])];
    case '||':
      return united(collect(kind, node.args[0]), collect(kind, node.args[1]));
    case '==':
      return equality(kind, node.args);
    case 'in':
      return membership(kind, node.args);
    case '.':
      return ofField(kind, node, [true]);
    default:
      return [];
  }
}

/** Either side may hold, so only what both need of the same field is needed. */
function united(left: NecessaryValues[], right: NecessaryValues[]): NecessaryValues[] {
  return left.flatMap((one) => {
    const other = right.find(({ path }) => path === one.path);
    return other === undefined ? [] : [{ ...one, values: new Set([...one.values, ...other.values]) }];
  });
}

function equality(kind: EventKind, [left, right]: [ASTNode, ASTNode]): NecessaryValues[] {
  const literal = literalOf(right);
  if (literal !== undefined) return ofField(kind, left, [literal]);
  const reversed = literalOf(left);
  return reversed === undefined ? [] : ofField(kind, right, [reversed]);
}

function membership(kind: EventKind, [left, right]: [ASTNode, ASTNode]): NecessaryValues[] {
  if (right.op !== 'list') return [];
  const literals = right.args.map(literalOf).filter((literal) => literal !== undefined);
  return literals.length === right.args.length ? ofField(kind, left, literals) : [];
}

function ofField(kind: EventKind, node: ASTNode, values: readonly Literal[]): NecessaryValues[] {
  const path = pathOfNode(node);
  const read = fieldReader(kind, node);
  return path === undefined || read === undefined ? [] : [{ path, read, values: new Set(values) }];
}

/** False where a condition with these needs cannot be true. */
export function areMet(needs: NecessaryValues | undefined, scope: EventScope): boolean {
  return needs === undefined || needs.values.has(needs.read(scope) as Literal);
}
