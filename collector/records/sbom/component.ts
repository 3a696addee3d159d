import { PackageURL } from 'packageurl-js';

/** The purl types of distribution packages. */
const osTypes = new Set(['deb', 'apk', 'rpm', 'alpm']);

export function isOsPackage(type: string): boolean {
  return osTypes.has(type);
}

export interface PurlParts {
  /** "" when there is no readable purl. */
  type: string;
  distro: { id: string; version: string } | undefined;
  /** Source package, as syft writes it: "upstream=name@version". */
  upstream: { name: string; version: string | undefined } | undefined;
}

const nothing: PurlParts = { type: '', distro: undefined, upstream: undefined };

/** The parts of a package URL that ownership needs; a malformed one counts as none. */
export function parsePurl(text: string | undefined): PurlParts {
  if (text === undefined || text === '') return nothing;
  try {
    const { type, qualifiers } = PackageURL.fromString(text);
    const distro = /^([a-z][a-z0-9]*)(?:-(.+))?$/i.exec(qualifiers?.distro ?? '');
    const [name, version] = (qualifiers?.upstream ?? '').split('@');
    return {
      type: type ?? '',
      distro: distro === null ? undefined : { id: distro[1]!.toLowerCase(), version: distro[2] ?? '' },
      upstream: name ? { name, version } : undefined,
    };
  } catch {
    return nothing;
  }
}

/**
 * The directory that belongs to a language package, from the file it is known by: node_modules/<name>, site-packages/
 * <name>, gems/<name>-<version>. Undefined where the ecosystem has no such rule.
 */
export function languageDirectory(
  path: string,
  component: { name: string; version: string; type: string },
): string | undefined {
  if (component.type === 'npm') {
    const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path);
    return match?.[1];
  }
  if (component.type === 'pypi') {
    const match = /^(.*\/(?:site|dist)-packages)\/[^/]+\.(?:dist|egg)-info(?:\/[^/]+)?$/.exec(path);
    return match === null ? undefined : `${match[1]}/${component.name.toLowerCase().replace(/[-.]+/g, '_')}`;
  }
  if (component.type === 'gem') {
    const match = /^(.*)\/specifications\/(?:default\/)?[^/]+\.gemspec$/.exec(path);
    return match === null ? undefined : `${match[1]}/gems/${component.name}-${component.version}`;
  }
  return undefined;
}
