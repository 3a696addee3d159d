import { PackageURL } from 'packageurl-js';
import type { Distribution, PackageType } from '../../common/inventory.ts';

export interface PurlParts {
  type: PackageType;
  namespace?: string;
  name: string;
  version: string;
  /** Empty values are left out. */
  qualifiers?: Readonly<Record<string, string>>;
}

/**
 * The name of a package for everybody, in canonical form. Undefined when its parts cannot make one (no name).
 * @see https://github.com/package-url/purl-spec
 */
export function purlOf({ type, namespace = '', name, version, qualifiers = {} }: PurlParts): string | undefined {
  const told = Object.fromEntries(Object.entries(qualifiers).filter(([, value]) => value !== ''));
  try {
    return new PackageURL(type, namespace || undefined, name, version || undefined, told, undefined).toString();
  } catch {
    return undefined;
  }
}

/** As a qualifier: "debian-12"; "debian" where the distribution has no versions; "" where it is not known. */
export function distroQualifier(distribution: Distribution | undefined): string {
  if (distribution === undefined) return '';
  return distribution.versionId === '' ? distribution.id : `${distribution.id}-${distribution.versionId}`;
}
