import type { ContentsIndex } from '../records/contents/contents.ts';
import { usrMergeAlias } from '../records/sbom/usr-merge.ts';

export type SbomDifference =
  | { paths: string[]; packages: number }
  /** The two cannot be compared, or too much changed. */
  | { unknown: string };

/** Executables that changed are few; an image that changes more is another one. */
const maxPaths = 2_000;
/** Where no program is. */
const noProgram =
  /^\/(usr\/share|usr\/include|etc|var\/lib\/dpkg|var\/cache)\/|\.(so(\.[0-9.]+)?|a|h|json|md|txt|gz|mo|map|d\.ts)$/;

/** Files that may be programs, of packages that are new or have another version than before. */
export function changedPaths(before: ContentsIndex, after: ContentsIndex): SbomDifference {
  if (before.ownedFileCount === 0 || after.ownedFileCount === 0)
    return { unknown: 'an SBOM does not say which files packages have' };
  const known = new Set(before.components.map(({ purl, name, version }) => purl || `${name} ${version}`));
  const isChanged = after.components.map(({ purl, name, version }) => !known.has(purl || `${name} ${version}`));
  const packages = isChanged.filter(Boolean).length;
  const paths: string[] = [];
  for (const { path, owners } of after.files()) {
    if (!owners.some((owner) => isChanged[owner]) || noProgram.test(path)) continue;
    if (paths.length >= maxPaths) return { unknown: `more than ${maxPaths} files of ${packages} packages changed` };
    // The kernel tells the one name, the SBOM the other.
    const alias = usrMergeAlias(path);
    paths.push(path, ...(alias === undefined ? [] : [alias]));
  }
  return { paths, packages };
}
