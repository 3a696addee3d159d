import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

/** Columns a terminal needs for text: wide characters take two, combining marks none, our own colours none. */
export const widthOf = (text: string): number => stringWidth(text);

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

/** Cuts plain text (no colours) to a width, with … at the end when something is missing. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  return `${takeColumns(text, columns - 1)}…`;
}

/** Breaks text into lines at spaces; a plain word wider than a line is broken inside. Never answers an empty list. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line.trimEnd());
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    while (widthOf(line) > columns && stripVTControlCharacters(line) === line) {
      const head = takeColumns(line, columns) || line;
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  lines.push(line.trimEnd());
  return lines;
}

/** The longest start of a text that fits; at least one character when there is room for any. */
function takeColumns(text: string, columns: number): string {
  let taken = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns) break;
    taken += segment;
  }
  return taken;
}
