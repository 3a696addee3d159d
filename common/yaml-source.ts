import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';

export interface Position {
  line: number;
  column: number;
}

export interface SyntaxProblem extends Position {
  reason: string;
}

/** A parsed YAML file that knows where everything in it stands. */
export class YamlSource {
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;
  /** Plain data; undefined when there are problems. */
  readonly value: unknown;
  readonly problems: readonly SyntaxProblem[];

  /** Never throws: what is wrong is in `problems`. */
  constructor(text: string) {
    this.#text = text;
    const problems: SyntaxProblem[] = [];
    try {
      this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, stringKeys: true });
      for (const error of this.#document.errors)
        problems.push({ ...this.#at(error.pos[0]), reason: syntaxReason(error) });
      if (problems.length === 0) this.value = this.#document.toJS({ maxAliasCount: 0 });
    } catch (error) {
      this.#document = parseDocument('');
      problems.push({ line: 1, column: 1, reason: unreadable(error) });
    }
    this.problems = problems;
  }

  /** Position of the value at a path; of the nearest thing above it that exists, when it does not. */
  positionOf(path: readonly PropertyKey[]): Position {
    let node: unknown = this.#document.contents;
    for (const segment of path) {
      const next = childOf(node, segment);
      if (next === undefined) break;
      node = next;
    }
    return this.#at(startOf(node) ?? 0);
  }

  /** Position of the key of a map. */
  positionOfKey(path: readonly PropertyKey[], key: string): Position {
    let node: unknown = this.#document.contents;
    for (const segment of path) node = childOf(node, segment);
    const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    return pair === undefined ? this.positionOf(path) : this.#at(startOf(pair.key) ?? 0);
  }

  /** Position of a character of a text; exact for plain and block texts, near for quoted ones with escapes. */
  positionInText(path: readonly PropertyKey[], offset: number): Position {
    let node: unknown = this.#document.contents;
    for (const segment of path) node = childOf(node, segment);
    if (!isScalar(node) || !node.range) return this.positionOf(path);
    return this.#at(sourceOffset(this.#text, node, offset));
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

/** The parser turns an exhausted stack into a syntax error with the engine's message. */
function syntaxReason(error: Error): string {
  return error.message.includes('call stack') ? 'nested too deeply' : error.message;
}

function unreadable(error: unknown): string {
  if (error instanceof RangeError) return 'nested too deeply';
  if (error instanceof ReferenceError) return 'aliases are not allowed';
  return error instanceof Error ? error.message : String(error);
}

function childOf(node: unknown, segment: PropertyKey): unknown {
  if (isMap(node))
    return node.items.find((item) => isScalar(item.key) && item.key.value === segment)?.value ?? undefined;
  return isSeq(node) && typeof segment === 'number' ? node.items[segment] : undefined;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/**
 * Where a text's character stands in the file. A line break inside the text, or the space a folded break became, counts as
 * one character; the indentation of continuation lines counts as none.
 */
function sourceOffset(source: string, node: Scalar, offset: number): number {
  const [start = 0, end = 0] = node.range ?? [];
  const isBlock = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
  const isQuoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
  let at = isBlock ? source.indexOf('\n', start) + 1 : start + (isQuoted ? 1 : 0);
  const indentation = isBlock ? leadingSpaces(source, at) : undefined;
  let remaining = offset;
  for (let isFirst = true; at < end; isFirst = false) {
    if (isBlock || !isFirst) at += Math.min(indentation ?? Number.POSITIVE_INFINITY, leadingSpaces(source, at));
    const lineEnd = source.indexOf('\n', at);
    const length = (lineEnd < 0 ? end : lineEnd) - at;
    if (remaining <= length || lineEnd < 0 || lineEnd >= end) return Math.min(at + remaining, end);
    remaining -= length + 1;
    at = lineEnd + 1;
  }
  return at;
}

function leadingSpaces(source: string, at: number): number {
  let end = at;
  while (source[end] === ' ') end++;
  return end - at;
}
