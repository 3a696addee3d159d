import { createHash } from 'node:crypto';
import type { Inventory, InventoryPackage } from '../inventory.ts';

/** What an SBOM is written about, and by whom. */
export interface SbomSubject {
  /** Reference without tag and digest, or the path of a folder. */
  name: string;
  /** Manifest digest, "sha256:…"; undefined for a folder. */
  digest: string | undefined;
  tag?: string | undefined;
  /** Of the inventory; RFC 3339. */
  createdAt: string;
  toolVersion: string;
}

/** pkg:oci/<last part of the name>@sha256%3A…?repository_url=…&tag=…; undefined without a digest. */
export function imagePurl({ name, digest, tag }: SbomSubject): string | undefined {
  if (digest === undefined) return undefined;
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const qualifiers = [`repository_url=${encodeURIComponent(name)}`, ...(tag ? [`tag=${encodeURIComponent(tag)}`] : [])];
  return `pkg:oci/${encodeURIComponent(last)}@${encodeURIComponent(digest)}?${qualifiers.join('&')}`;
}

/**
 * The purl with what scanners match distribution packages by, as syft writes it: `distro`, and `upstream` where the source
 * package is called otherwise or has another version.
 */
export function scannerPurl(found: InventoryPackage, { distribution }: Inventory): string {
  if (!isOsPackage(found)) return found.purl;
  const [base = '', query = ''] = found.purl.split('?', 2);
  const qualifiers = new Map(
    query === '' ? [] : query.split('&').map((each) => each.split('=', 2) as [string, string]),
  );
  if (distribution !== undefined && !qualifiers.has('distro')) {
    const { id, versionId } = distribution;
    qualifiers.set('distro', encodeURIComponent(versionId === '' ? id : `${id}-${versionId}`));
  }
  const upstream = upstreamOf(found);
  if (upstream !== undefined && !qualifiers.has('upstream')) qualifiers.set('upstream', encodeURIComponent(upstream));
  const sorted = [...qualifiers].toSorted(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.join('='));
  return sorted.length === 0 ? base : `${base}?${sorted.join('&')}`;
}

function upstreamOf({ type, name, version, sourceName, sourceVersion }: InventoryPackage): string | undefined {
  const hasOwnName = sourceName === '' || sourceName === name;
  const hasOwnVersion = sourceVersion === '' || sourceVersion === version;
  if (hasOwnName && hasOwnVersion) return undefined;
  const source = sourceName || name;
  // rpm's advisories and scanners know source packages by the name of their file.
  if (type === 'rpm') return `${source}-${sourceVersion || version}.src.rpm`;
  return hasOwnVersion ? source : `${source}@${sourceVersion}`;
}

export function isOsPackage({ type }: InventoryPackage): boolean {
  return type === 'deb' || type === 'apk' || type === 'rpm';
}

/** Names of a package's kind that syft and grype tell packages apart by. */
export const syftTypes: Readonly<Record<InventoryPackage['type'], string>> = {
  deb: 'deb',
  apk: 'apk',
  rpm: 'rpm',
  npm: 'npm',
  pypi: 'python',
  golang: 'go-module',
  maven: 'java-archive',
  gem: 'gem',
  cargo: 'rust-crate',
};

/** Stays the same for the same package at the same place. */
export function packageId({ purl, location }: InventoryPackage): string {
  return shortHash(`${purl}\0${location}`);
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The same for the same inventory of the same image, so that the same document is written twice. */
export function documentUuid(inventory: Inventory, subject: SbomSubject): string {
  const hash = createHash('sha256').update(`${subject.name}\0${subject.digest ?? ''}\0${subject.createdAt}\0`);
  hash.update(JSON.stringify([inventory.layers, inventory.packages.map(packageId)]));
  const hex = hash.digest('hex');
  // The form of a version 8 UUID: made by rules of one's own (RFC 9562).
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}

/** Positions of packages, sorted by purl and place. */
export function packageOrder({ packages }: Inventory): number[] {
  const keys = packages.map(({ purl, location }) => `${purl}\0${location}`);
  return packages
    .map((_, index) => index)
    .toSorted((a, b) => (keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b));
}

/** Why an inventory is not whole, in one line; undefined when nothing went wrong. */
export function incompleteness({ problems }: Inventory): string | undefined {
  if (problems.length === 0) return undefined;
  const told = problems.slice(0, 20).map(({ path, reason }) => `${path}: ${reason}`);
  const more = problems.length > told.length ? `; and ${problems.length - told.length} more` : '';
  return `The inventory is not complete. ${told.join('; ')}${more}`;
}
