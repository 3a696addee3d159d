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
  architecture: string | undefined;
  /** Source package, as syft writes it: "upstream=name@version". */
  upstream: { name: string; version: string | undefined } | undefined;
}

const nothing: PurlParts = { type: '', distro: undefined, architecture: undefined, upstream: undefined };

/** The parts of a package URL that ownership needs; a malformed one counts as none. */
export function parsePurl(text: string | undefined): PurlParts {
  if (text === undefined || text === '') return nothing;
  try {
    const { type, qualifiers } = PackageURL.fromString(text);
    const distro = /^([a-z][a-z0-9]*)(?:-(.+))?$/i.exec(qualifiers?.distro ?? '');
    const upstream = qualifiers?.upstream ?? '';
    const [name, version] = upstream.split('@');
    return {
      type: type ?? '',
      distro: distro === null ? undefined : { id: distro[1]!.toLowerCase(), version: distro[2] ?? '' },
      architecture: qualifiers?.arch || undefined,
      upstream: parseSourceRpm(upstream) ?? (name ? { name, version } : undefined),
    };
  } catch {
    return nothing;
  }
}

/** Name and version with release of "bash-5.1.8-6.el9.src.rpm"; undefined for anything else. */
export function parseSourceRpm(text: string | null | undefined): { name: string; version: string } | undefined {
  const match = /^([^/]+)-([^-/]+-[^-/]+)\.(?:no)?src\.rpm$/.exec(text ?? '');
  return match === null ? undefined : { name: match[1]!, version: match[2]! };
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
