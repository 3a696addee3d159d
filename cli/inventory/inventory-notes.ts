import type { Inventory } from '../../common/inventory.ts';
import { escapeText } from '../terminal/escape-deep.ts';

const maxNotes = 20;

/** "debian 12: 88 packages; 5975 files, 643 of them of no package" */
export function summaryOf({ distribution, packages, files }: Inventory): string {
  const system =
    distribution === undefined
      ? 'no distribution named'
      : escapeText(`${distribution.id} ${distribution.versionId}`.trim());
  const unowned = files.filter(({ owners, evidenceOf }) => owners.length === 0 && evidenceOf.length === 0).length;
  return `${system}: ${packages.length} packages; ${files.length} files, ${unowned} of them of no package`;
}

/** What could not be read, in words. */
export function problemNotes({ problems }: Inventory): string[] {
  const notes = problems.slice(0, maxNotes).map(({ reader, path, code, reason }) => {
    return escapeText(`${code}: ${reader}: ${path}: ${reason}`);
  });
  if (problems.length > maxNotes) notes.push(`and ${problems.length - maxNotes} problems more; --json has all`);
  return notes;
}
