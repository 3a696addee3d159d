import type { Screen } from './style.ts';
import { padEnd, truncate, widthOf } from './text.ts';

export interface Column<Row> {
  title: string;
  /** Plain text, already escaped. */
  text: (row: Row) => string;
  /** Puts colour on the text after it was cut and padded. */
  paint?: (shown: string, row: Row) => string;
  /** Columns that may be cut on a narrow terminal; the others keep their width. */
  flexible?: boolean;
}

const gap = '  ';
const minFlexibleColumns = 8;

/** Rows under upper-case titles, aligned by display width, cut to the terminal where there is one. No trailing spaces. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], screen: Screen): string[] {
  const widths = columns.map((column) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(column.text(row)))),
  );
  if (screen.terminal) shrink(columns, widths, screen.columns - gap.length * (columns.length - 1));
  const cells = (row: Row): string[] =>
    columns.map((column, index) => {
      const shown = padEnd(truncate(column.text(row), widths[index] ?? 0), widths[index] ?? 0);
      return column.paint?.(shown, row) ?? shown;
    });
  const titles = columns.map((column, index) => padEnd(truncate(column.title, widths[index] ?? 0), widths[index] ?? 0));
  return [screen.paint('dim', titles.join(gap).trimEnd()), ...rows.map((row) => cells(row).join(gap).trimEnd())];
}

/** Takes columns from the widest flexible column until everything fits, or nothing more can be taken. */
function shrink(columns: readonly Column<never>[], widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (column.flexible && width > minFlexibleColumns && width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}
