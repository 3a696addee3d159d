import type { Component, Confidence, Ownership, OwnershipBasis, OwnershipMethod } from '../papers.ts';
import { isOsPackage } from '../sbom/component.ts';
import { normalizePath } from '../sbom/path.ts';
import { usrMergeAlias } from '../sbom/usr-merge.ts';
import type { ContentFile, ContentsSource, UsrMerge } from './contents.ts';
import { followLinks } from './links.ts';

/** What the rules ask of contents. Numbers are positions in `components`. */
export interface ContentsTable {
  readonly source: ContentsSource;
  readonly listsAllFiles: boolean;
  readonly usrMerge: UsrMerge;
  readonly incomplete: string;
  readonly components: readonly Component[];
  readonly ownedFileCount: number;
  /** Distribution packages, and how many of them list files. */
  readonly osPackages: { count: number; withFiles: number };
  /** The entry of exactly this path. */
  find(path: string): ContentFile | undefined;
  /** The path with links of its parents followed; undefined when they go round in circles. */
  canonicalDirectories(path: string): string | undefined;
  /** Whose directory this is; -1 when several claim it. */
  directoryOwner(path: string): number | undefined;
  /** Distribution packages that are known to own the files of this package. */
  distributorsOf(component: number): readonly number[];
  withSha256(hex: string): Iterable<ContentFile>;
}

/** Where the file that was asked for is. */
interface Place {
  basis: OwnershipBasis;
  path: string;
  file: ContentFile | undefined;
  /** Of the way from the path that was asked to the file. */
  confidence: Confidence;
}

/**
 * Which package a file belongs to: the one that lists it, else the language package in whose directory it is, else those
 * that are known from it, else those of a file with the same content. docs/papers.md tells it to users.
 */
export function ownerOf(table: ContentsTable, path: string, sha256?: string): Ownership {
  const asked = { path, source: table.source };
  if (path.endsWith(' (deleted)'))
    return { state: 'not-in-image', ...asked, reason: 'the file was deleted: what ran is no longer at this path' };
  const normal = path.startsWith('/') ? normalizePath(path) : undefined;
  if (normal === undefined || normal.startsWith('/memfd:'))
    return { state: 'not-in-image', ...asked, reason: 'it is no path in the image’s filesystem' };
  const place = locate(table, normal, asked);
  const hash = (): Ownership | undefined => byHash(table, place, sha256);
  if (table.listsAllFiles && place.file === undefined) return hash() ?? noSuchFile(place);
  return exact(table, place) ?? directory(table, place) ?? evident(table, place) ?? hash() ?? nobody(table, place);
}

/** Along the image's own links; where the source tells none, on the other side of a merged /usr. */
function locate(table: ContentsTable, normal: string, asked: { path: string; source: ContentsSource }): Place {
  const path = table.canonicalDirectories(normal) ?? normal;
  const file = table.find(path);
  if (file !== undefined) return throughLink(table, placeOf(asked, path, file, 'high'));
  const alias = table.usrMerge === 'links' || table.usrMerge === 'no' ? undefined : usrMergeAlias(path);
  const aliased = alias === undefined ? undefined : table.find(alias);
  if (alias === undefined || aliased === undefined) return placeOf(asked, path, undefined, 'high');
  return placeOf(asked, alias, aliased, table.usrMerge === 'known' ? 'high' : 'medium');
}

/** A link that nobody claims is what it leads to, as /usr/bin/awk is mawk. */
function throughLink(table: ContentsTable, place: Place): Place {
  const { file, basis } = place;
  if (file?.linkTarget === undefined || file.owners.length > 0) return place;
  const target = followLinks(place.path, (at) => table.find(at)?.linkTarget, true);
  const targetFile = target === undefined ? undefined : table.find(target);
  if (target === undefined || targetFile === undefined) return place;
  return placeOf({ path: basis.path, source: table.source }, target, targetFile, 'high');
}

function placeOf(
  asked: { path: string; source: ContentsSource },
  path: string,
  file: ContentFile | undefined,
  confidence: Confidence,
): Place {
  const canonicalPath = path === asked.path ? undefined : path;
  const layerDigest = file?.layerDigest || undefined;
  return {
    basis: { ...asked, canonicalPath, layerDigest, declaredDigest: file?.digest || undefined },
    path,
    file,
    confidence,
  };
}

const isAlias = ({ basis }: Place): boolean =>
  basis.canonicalPath !== undefined && basis.canonicalPath !== normalizePath(basis.path);

function exact(table: ContentsTable, place: Place): Ownership | undefined {
  const { file } = place;
  if (file === undefined || file.owners.length === 0) return undefined;
  // A listed file that is also the evidence of a language package: who lists it first, the other second.
  const owners = [...file.owners, ...file.evidenceOf];
  return isAlias(place)
    ? owned(table, place, owners, 'alias', place.confidence)
    : owned(table, place, owners, 'exact', 'high');
}

/** The nearest directory that belongs to a language package; an undeclared package in between owns its own part. */
function directory(table: ContentsTable, place: Place): Ownership | undefined {
  const { path } = place;
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const parent = path.slice(0, at);
    const owner = table.directoryOwner(parent);
    if (owner === -1) return undefined;
    if (owner !== undefined)
      return owned(table, place, [owner, ...(place.file?.evidenceOf ?? [])], 'directory', 'medium');
    if (/\/node_modules\/(?:@[^/]+\/)?[^/@][^/]*$/.test(parent)) return undefined;
  }
  return undefined;
}

function evident(table: ContentsTable, place: Place): Ownership | undefined {
  const evidence = place.file?.evidenceOf ?? [];
  return evidence.length === 0 ? undefined : owned(table, place, evidence, 'evident', place.confidence);
}

/** The same content elsewhere in the image: a copied program. */
function byHash(table: ContentsTable, place: Place, sha256: string | undefined): Ownership | undefined {
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  for (const file of table.withSha256(sha256)) {
    const owners = [...file.owners, ...file.evidenceOf];
    if (owners.length === 0) continue;
    const basis = { ...place.basis, canonicalPath: file.path, declaredDigest: file.digest };
    return owned(table, { ...place, basis }, owners, 'hash', 'medium');
  }
  return undefined;
}

function noSuchFile({ basis }: Place): Ownership {
  return { state: 'not-in-image', ...basis, reason: 'the image has no file of this path' };
}

function nobody(table: ContentsTable, { basis, file }: Place): Ownership {
  if (table.incomplete !== '')
    return { state: 'no-ownership-data', ...basis, reason: `the inventory is incomplete: ${table.incomplete}` };
  if (table.source === 'inventory') {
    if (file === undefined)
      return { state: 'no-ownership-data', ...basis, reason: 'the inventory does not list all files' };
    const where = file.layerDigest === '' ? 'the image' : `layer ${file.layerDigest}`;
    return { state: 'unowned', ...basis, reason: `it comes with ${where}, and no package claims it` };
  }
  const { count, withFiles } = table.osPackages;
  if (table.ownedFileCount === 0)
    return { state: 'no-ownership-data', ...basis, reason: 'the SBOM lists packages but not their files' };
  if (count > 0 && withFiles === 0)
    return {
      state: 'no-ownership-data',
      ...basis,
      reason: 'the SBOM lists no files of the distribution’s packages',
    };
  const caveat = withFiles < count ? ` (${count - withFiles} of ${count} packages list no files)` : '';
  return { state: 'unowned', ...basis, reason: `no package of the SBOM claims it${caveat}` };
}

/**
 * Distribution packages first, also those that ship the language package: their advisories know about backported fixes,
 * the language ecosystem's do not.
 */
function owned(
  table: ContentsTable,
  place: Place,
  numbers: readonly number[],
  method: OwnershipMethod,
  confidence: Confidence,
): Ownership {
  const all = new Set(numbers.flatMap((owner) => [...distributorsOf(table, owner), owner]));
  const found = [...all].map((owner) => table.components[owner]).filter((component) => component !== undefined);
  const os = found.filter(({ type }) => isOsPackage(type));
  const language = found.filter(({ type }) => !isOsPackage(type));
  return { state: 'owned', ...place.basis, owners: [...os, ...language], method, confidence };
}

/** Those that were declared, and those that own the file the language package is known from. */
function distributorsOf(table: ContentsTable, number: number): readonly number[] {
  const component = table.components[number];
  if (component === undefined || isOsPackage(component.type)) return [];
  const owners = component.location === undefined ? [] : (table.find(component.location)?.owners ?? []);
  const os = owners.filter((owner) => isOsPackage(table.components[owner]?.type ?? ''));
  return [...table.distributorsOf(number), ...os];
}
