import type { Component, Ownership } from '../records/papers.ts';
import { knownDifferences } from './known-differences.ts';
import { identityOf, isSameVersion, type PackageIdentity } from './package-identity.ts';

/** One of the two that are compared: what an SBOM declares, or what an inventory found. */
export interface TruthSide {
  readonly components: readonly Component[];
  readonly ownedFileCount: number;
  ownerOf(path: string): Ownership;
  /** With what their contents should hash to, where the side tells that. */
  files?(): Iterable<{ path: string; digest: string }>;
}

export interface Truth {
  declaredPackages: number;
  containedPackages: number;
  /** In the image, and not named by the SBOM: "curl 8.5.0 (deb)". Sorted, as all lists. */
  missingFromSbom: readonly string[];
  /** Named by the SBOM, and not in the image. */
  notInImage: readonly string[];
  /** "curl (deb): the SBOM says 8.4.0, the image has 8.5.0" */
  otherVersion: readonly string[];
  /** "/usr/bin/curl: sha256" */
  otherHash: readonly string[];
  /** Differences that are not told, by name. */
  known: Readonly<Record<string, number>>;
  /** Why nothing is said about what is not in the image; empty when the inventory is complete. */
  incomplete: string;
}

interface Group {
  identity: PackageIdentity;
  components: Component[];
  versions: (string | undefined)[];
}

/**
 * Compares what an SBOM declares with what the image contains. Packages are compared by type and name, then by versions. Differences that
 * come from how generators work are counted, not told. `incomplete`: why the inventory may lack something.
 */
export function compareContents(declared: TruthSide, contained: TruthSide, incomplete: string): Truth {
  const known: Record<string, number> = {};
  const isKnown = (side: 'declared' | 'contained', component: Component): boolean => {
    const context = {
      side,
      component,
      identity: identityOf(component),
      ownerOf: (path: string) => contained.ownerOf(path),
    };
    const difference = knownDifferences.find((one) => one.applies(context));
    if (difference !== undefined) known[difference.name] = (known[difference.name] ?? 0) + 1;
    return difference !== undefined;
  };
  const [inSbom, inImage] = [groupsOf(declared.components), groupsOf(contained.components)];
  const missingFromSbom: string[] = [];
  const otherVersion: string[] = [];
  for (const [key, group] of inImage) {
    const other = inSbom.get(key);
    if (other === undefined) missingFromSbom.push(...told(group, (one) => isKnown('contained', one)));
    else if (!agree(other, group)) otherVersion.push(versionText(other, group));
  }
  const notInImage: string[] = [];
  if (incomplete === '')
    for (const [key, group] of inSbom)
      if (!inImage.has(key)) notInImage.push(...told(group, (one) => isKnown('declared', one)));
  for (const one of declared.components) if (identityOf(one) === undefined) isKnown('declared', one);
  return {
    ...{ declaredPackages: inSbom.size, containedPackages: inImage.size, incomplete, known },
    ...{ missingFromSbom: missingFromSbom.sort(), notInImage: notInImage.sort(), otherVersion: otherVersion.sort() },
    otherHash: otherHashes(declared, contained),
  };
}

/** Whether there is anything to tell. */
export function isMismatch(truth: Truth): boolean {
  const { missingFromSbom, notInImage, otherVersion, otherHash } = truth;
  return missingFromSbom.length + notInImage.length + otherVersion.length + otherHash.length > 0;
}

function groupsOf(components: readonly Component[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const component of components) {
    const identity = identityOf(component);
    if (identity === undefined) continue;
    const group = groups.get(identity.key) ?? { identity, components: [], versions: [] };
    group.components.push(component);
    if (!group.versions.includes(identity.version)) group.versions.push(identity.version);
    groups.set(identity.key, group);
  }
  return groups;
}

/** All that the image has are declared, in some version; of what is installed more than once some generators name one. */
function agree(declared: Group, contained: Group): boolean {
  return contained.versions.some((version) => declared.versions.some((other) => isSameVersion(version, other)));
}

function told({ components }: Group, isKnown: (component: Component) => boolean): string[] {
  const first = components.find((component) => !isKnown(component));
  return first === undefined ? [] : [nameText(first)];
}

function nameText(component: Component): string {
  const { name, version } = component;
  return `${name}${version === '' ? '' : ` ${version}`} (${identityOf(component)?.type ?? component.type})`;
}

function versionText(declared: Group, contained: Group): string {
  const versions = ({ components }: Group): string =>
    [...new Set(components.map(({ version }) => version || '?'))].join(', ');
  const name = contained.components[0]?.name ?? '';
  return `${name} (${contained.identity.type}): the SBOM says ${versions(declared)}, the image has ${versions(contained)}`;
}

function otherHashes(declared: TruthSide, contained: TruthSide): string[] {
  const hashes = new Map<string, string>();
  for (const { path, digest } of declared.files?.() ?? []) if (digest !== '') hashes.set(path, digest);
  if (hashes.size === 0) return [];
  const differing: string[] = [];
  for (const { path, digest } of contained.files?.() ?? []) {
    const other = hashes.get(path);
    const algorithm = digest.slice(0, digest.indexOf(':') + 1);
    // Of different algorithms nothing can be said.
    if (algorithm === '' || other === undefined || !other.startsWith(algorithm)) continue;
    if (other !== digest) differing.push(`${path}: ${algorithm.slice(0, -1)}`);
  }
  return differing.sort();
}
