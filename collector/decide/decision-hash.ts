import { createHash } from 'node:crypto';
import type { Papers } from '../records/papers.ts';
import type { Decision } from './alert.ts';

/** Wording, times, and which reports said it: they change while what they speak of stays the same. */
const incidental: ReadonlySet<string> = new Set([
  ...['reason', 'checkedAtUnixMs', 'freshForMs', 'identity', 'trust', 'sources', 'vex', 'freshness'],
]);

/** What papers say, for comparing: without their wording and times. */
export function papersContent(papers: Papers): Record<string, unknown> {
  const entries = Object.entries(papers).filter(([name]) => !incidental.has(name));
  return Object.fromEntries(entries.map(([name, paper]) => [name, withoutWording(paper)]));
}

export function papersHashOf(papers: Papers): string {
  return hashOf(papersContent(papers));
}

export function decisionHashOf({ action, severity, score, reasons }: Decision): string {
  return hashOf([action, severity, score, reasons]);
}

function withoutWording(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWording);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name, entry]) => !incidental.has(name) && entry !== undefined);
  return Object.fromEntries(
    kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, withoutWording(entry)]),
  );
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
