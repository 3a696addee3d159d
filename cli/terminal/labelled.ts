import type { Screen } from './style.ts';
import { wrap } from './text.ts';

/** Wider lines are hard to read, whatever the terminal offers. */
const maxColumns = 160;

/** The width that text is wrapped to. */
export function textColumns(screen: Screen): number {
  return Math.min(screen.columns, maxColumns);
}

/** A text beside its label, continued under itself where it wraps; nothing when there is no text. */
export function labelled(label: string, text: string, screen: Screen, labelColumns = 10): string[] {
  if (text === '') return [];
  const lines = wrap(text, Math.max(20, textColumns(screen) - 2 - labelColumns));
  return lines.map((line, index) => {
    const head = (index === 0 ? label : '').padEnd(labelColumns);
    return `  ${screen.paint('dim', head)}${line.replaceAll('\u00a0', ' ')}`;
  });
}

/** Keeps the words of a text together where a labelled line wraps. */
export function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00a0');
}
