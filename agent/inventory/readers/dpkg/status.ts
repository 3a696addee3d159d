import { textOfBytes } from '../../path-text.ts';
import { parseControl } from './control.ts';

/** A package of a dpkg database. */
export interface DpkgPackage {
  name: string;
  version: string;
  architecture: string;
  sourceName: string;
  sourceVersion: string;
  /** "installed", "config-files"…; "" where the stanza has none. */
  state: string;
  /** Configuration files with the MD5 that they were shipped with. */
  conffiles: { path: string; md5: string }[];
}

const wanted = new Set(['package', 'status', 'version', 'architecture', 'source', 'conffiles']);
const namePattern = /^[a-z0-9][a-z0-9+._-]*$/i;

/**
 * The packages of a status file; undefined for a stanza that is none.
 * @see https://manpages.debian.org/deb-control.5 and https://manpages.debian.org/dpkg.1 (package states)
 */
export function* parseStatus(bytes: Buffer): Generator<DpkgPackage | undefined> {
  for (const stanza of parseControl(textOfBytes(bytes), wanted)) {
    const field = (name: string): string => stanza.get(name) ?? '';
    const [name, version, state] = [field('package'), field('version'), field('status')];
    const isRemoved = state !== '' && !state.endsWith(' installed');
    // dpkg keeps stanzas of removed packages, some of them without a version.
    if (!namePattern.test(name) || (version === '' && !isRemoved)) {
      yield undefined;
      continue;
    }
    yield {
      ...{ name, version, architecture: field('architecture') },
      ...sourceOf(name, version, field('source')),
      state: state.split(/\s+/)[2] ?? state,
      conffiles: conffilesOf(field('conffiles')),
    };
  }
}

/** "glibc" or "gcc-12 (12.2.0-14)"; the package itself where there is no such field. */
function sourceOf(name: string, version: string, source: string): { sourceName: string; sourceVersion: string } {
  const [, sourceName = '', sourceVersion = version] = /^(\S+)(?:\s+\((.+)\))?$/.exec(source) ?? [];
  if (sourceName === '' || (sourceName === name && sourceVersion === version))
    return { sourceName: '', sourceVersion: '' };
  return { sourceName, sourceVersion };
}

function conffilesOf(field: string): { path: string; md5: string }[] {
  const found: { path: string; md5: string }[] = [];
  for (const line of field.split('\n')) {
    const [, path, md5] = /^(\/.*?) ([0-9a-f]{32})(?: \S+)*$/.exec(line) ?? [];
    if (path !== undefined && md5 !== undefined) found.push({ path, md5 });
  }
  return found;
}

/** What tells packages of a database apart. */
export function keyOf({ name, architecture, version }: DpkgPackage): string {
  return `${name}:${architecture}=${version}`;
}
