import { linesOf } from '../../path-text.ts';

/**
 * The paths of an info/<package>.list that are not directories for certain: directories come before what is in them. Which
 * of the others are empty directories, only the tree knows.
 */
export function* parseList(bytes: Buffer): Generator<string> {
  const lines = linesOf(bytes);
  for (const [at, path] of lines.entries()) {
    if (!path.startsWith('/') || path === '/.') continue;
    const next = lines[at + 1];
    if (next?.startsWith(path) && next[path.length] === '/') continue;
    yield path;
  }
}

/** Absolute paths and MD5 digests of a .md5sums file, which has paths without the slash at the beginning. */
export function* parseMd5sums(bytes: Buffer): Generator<{ path: string; md5: string }> {
  for (const line of linesOf(bytes)) {
    const [, md5, path] = /^([0-9a-f]{32}) [ *](?:\.?\/)?(.+)$/.exec(line) ?? [];
    if (md5 !== undefined && path !== undefined) yield { md5, path: `/${path}` };
  }
}
