import type { Inventory } from '../../common/inventory.ts';
import { escapeText } from '../terminal/escape-deep.ts';
import type { Screen } from '../terminal/style.ts';
import { renderTable } from '../terminal/table.ts';

interface Row {
  type: string;
  name: string;
  version: string;
  files: string;
  licenses: string;
  location: string;
}

/** One line for each package. */
export function inventoryTable({ packages, files }: Inventory, screen: Screen): string[] {
  const counts = packages.map(() => 0);
  for (const { owners, evidenceOf } of files)
    for (const owner of new Set([...owners, ...evidenceOf])) counts[owner] = (counts[owner] ?? 0) + 1;
  const rows = packages.map(
    (each, at): Row => ({
      type: each.type,
      name: escapeText(each.name),
      version: escapeText(each.version),
      files: String(counts[at] ?? 0),
      licenses: escapeText(each.licenses.join(', ')),
      location: escapeText(each.location),
    }),
  );
  const columns = [
    { title: 'TYPE', text: (row: Row) => row.type },
    { title: 'NAME', text: (row: Row) => row.name, flexible: true },
    { title: 'VERSION', text: (row: Row) => row.version, flexible: true },
    { title: 'FILES', text: (row: Row) => row.files },
    { title: 'LICENCES', text: (row: Row) => row.licenses, flexible: true },
    { title: 'FROM', text: (row: Row) => row.location, flexible: true },
  ];
  return renderTable(columns, rows, screen);
}
