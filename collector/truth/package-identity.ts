import { PackageURL } from 'packageurl-js';
import type { Component } from '../records/papers.ts';

/** What a package is compared by: generators write the same package in different ways. */
export interface PackageIdentity {
  /** The purl type. */
  type: string;
  /** Type and name, in the one way they are compared in. */
  key: string;
  /** Undefined: the generator does not know it, so that any will do. */
  version: string | undefined;
}

interface PurlParts {
  type: string;
  namespace: string;
  name: string;
  version: string;
  epoch: string;
}

/** Undefined: its purl is none, or of a type of which the type of the component alone says nothing. */
export function identityOf(component: Component): PackageIdentity | undefined {
  const parts = partsOf(component);
  if (parts === undefined) return undefined;
  return { type: parts.type, key: `${parts.type} ${nameOf(parts)}`, version: versionOf(parts) };
}

function partsOf({ purl, name, version, type }: Component): PurlParts | undefined {
  if (purl === '') return type === '' ? undefined : { type, namespace: '', name, version, epoch: '' };
  try {
    const parsed = PackageURL.fromString(purl);
    const epoch = parsed.qualifiers?.epoch ?? '';
    return {
      ...{ type: parsed.type ?? '', namespace: parsed.namespace ?? '', name: parsed.name ?? '' },
      ...{ version: parsed.version ?? version, epoch },
    };
  } catch {
    return undefined;
  }
}

/** Of distributions the namespace is the vendor ("debian", "redhat", "rhel"), of Java it is often guessed from a jar. */
function nameOf({ type, namespace, name }: PurlParts): string {
  switch (type) {
    case 'deb':
    case 'apk':
    case 'rpm':
    case 'maven':
      return name.toLowerCase();
    case 'pypi':
      // https://packaging.python.org/en/latest/specifications/name-normalization/
      return name.toLowerCase().replace(/[-_.]+/g, '-');
    default:
      return `${namespace === '' ? '' : `${namespace}/`}${name}`.toLowerCase();
  }
}

const unknownVersion = /^(|unknown|noassertion|\(devel\)|devel|latest|null|undefined)$/i;
const gemPlatform = /-(java|ruby|universal|x86|x64|x86_64|aarch64|arm64|arm)(-[a-z0-9-]+)?$/;

function versionOf({ type, name, version: written, epoch }: PurlParts): string | undefined {
  if (unknownVersion.test(written)) return undefined;
  let version = written;
  if (type === 'deb' || type === 'rpm') {
    if (epoch !== '' && !version.includes(':')) version = `${epoch}:${version}`;
    return version.replace(/^0:/, '');
  }
  if (type === 'golang') return name === 'stdlib' ? version.replace(/^go/, '') : version.replace(/^v/, '');
  if (type === 'npm' || type === 'pypi') version = version.replace(/^[v=]+/, '');
  if (type === 'pypi') version = version.toLowerCase();
  if (type === 'gem') version = version.replace(gemPlatform, '');
  return version;
}

/** Generators that leave the epoch out leave it out everywhere. */
export function isSameVersion(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || a === b) return true;
  const [withoutA, withoutB] = [withoutEpoch(a), withoutEpoch(b)];
  return withoutA === withoutB && (withoutA === a || withoutB === b);
}

function withoutEpoch(version: string): string {
  return version.replace(/^\d+:/, '');
}
