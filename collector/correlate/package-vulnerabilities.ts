import type { Ownership } from '../records/papers.ts';
import type { ImageVulnerability } from '../records/vulnerability/model.ts';
import { nameKey } from '../records/vulnerability/package-join.ts';

/** Vulnerabilities that an alert carries of one package. */
const maxCarried = 20;

/** The vulnerabilities of the packages that own the acting executable; undefined when either is not known. */
export function vulnerabilitiesOf(
  ownership: Ownership | undefined,
  list: readonly ImageVulnerability[] | undefined,
): readonly ImageVulnerability[] | undefined {
  if (ownership?.state !== 'owned' || list === undefined) return undefined;
  const owners = new Set(ownership.owners.map(nameKey));
  return list.filter((found) => owners.has(nameKey(found.package))).slice(0, maxCarried);
}
