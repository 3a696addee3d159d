import { linesOf } from '../../path-text.ts';

export interface Diversion {
  to: string;
  /** The package whose own file stays; ":" where the administrator diverts everybody's. */
  by: string;
}

/**
 * Where files of packages are really: by the path that their lists have. Undefined when the file is not one of diversions.
 * @see https://manpages.debian.org/dpkg-divert.1
 */
export function parseDiversions(bytes: Buffer): Map<string, Diversion> | undefined {
  const lines = linesOf(bytes);
  if (lines.length % 3 !== 0) return undefined;
  const found = new Map<string, Diversion>();
  for (let at = 0; at < lines.length; at += 3) {
    const [from = '', to = '', by = ''] = lines.slice(at, at + 3);
    if (!from.startsWith('/') || !to.startsWith('/') || by === '') return undefined;
    found.set(from, { to, by });
  }
  return found;
}

/** The path under which a file of this package is in the tree. */
export function divertedPath(diversions: ReadonlyMap<string, Diversion>, packageName: string, path: string): string {
  const diversion = diversions.get(path);
  return diversion === undefined || diversion.by === packageName ? path : diversion.to;
}
