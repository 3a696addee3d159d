import { escapeHostile } from '../../common/escape.ts';

const maxDepth = 64;

/**
 * A copy of a JSON value in which every string, keys included, is safe to show. Display code works on such copies only,
 * so that no single place can forget to escape.
 */
export function escapeDeep(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return escapeText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return undefined;
  if (Array.isArray(value)) return value.map((item) => escapeDeep(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [escapeText(key), escapeDeep(item, depth + 1)] as const);
  return Object.fromEntries(entries.filter(([key]) => key !== '__proto__'));
}

/** Backslashes stay single: parts of an alert were escaped when they were written, and must not change again. */
export function escapeText(text: string): string {
  return text.split('\\').map(escapeHostile).join('\\');
}
