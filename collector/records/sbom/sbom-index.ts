import type { Component, Confidence, Ownership, OwnershipMethod, SbomFormat, SbomIndex } from '../papers.ts';
import { isOsPackage } from './component.ts';
import type { Owners, ParsedSbom } from './model.ts';
import { normalizePath } from './path.ts';
import { usrMergeAlias } from './usr-merge.ts';

/** Answers which package owns a file, from memory: a few map look-ups per question. */
export class MemorySbomIndex implements SbomIndex {
  readonly format: SbomFormat;
  readonly components: readonly Component[];
  readonly ownedFileCount: number;
  readonly #sbom: ParsedSbom;

  constructor(sbom: ParsedSbom) {
    this.#sbom = sbom;
    this.format = sbom.format;
    this.components = sbom.components;
    this.ownedFileCount = sbom.files.size;
  }

  /** A rough size in memory, for bounding how many are kept. */
  get approximateBytes(): number {
    const { files, evidence, directories, components } = this.#sbom;
    return 1024 + (files.size + evidence.size + directories.size) * 160 + components.length * 400;
  }

  ownerOf(path: string): Ownership {
    if (path.endsWith(' (deleted)'))
      return { state: 'not-in-image', path, reason: 'the file was deleted: what ran is no longer at this path' };
    const normal = path.startsWith('/') ? normalizePath(path) : undefined;
    if (normal === undefined || normal.startsWith('/memfd:'))
      return { state: 'not-in-image', path, reason: 'it is no path in the image’s filesystem' };
    return this.#exact(normal) ?? this.#directory(normal) ?? this.#nobody(normal);
  }

  *ownedFiles(): Iterable<{ path: string; owners: readonly number[] }> {
    for (const [path, owners] of this.#sbom.files) yield { path, owners: [owners].flat() as number[] };
  }

  /** Under its own name, then under its name on the other side of a merged /usr. */
  #exact(path: string): Ownership | undefined {
    const { files, evidence, usrMerge } = this.#sbom;
    const alias = usrMerge === 'no' ? undefined : usrMergeAlias(path);
    const listed = files.get(path);
    if (listed !== undefined) return this.#owned(path, this.#withEvidence(listed, path), 'exact', 'high');
    const aliased = alias === undefined ? undefined : files.get(alias);
    if (aliased !== undefined) return this.#owned(path, aliased, 'alias', usrMerge === 'known' ? 'high' : 'medium');
    const evident = evidence.get(path) ?? (alias === undefined ? undefined : evidence.get(alias));
    return evident === undefined ? undefined : this.#owned(path, evident, 'evident', 'high');
  }

  /** The nearest directory that belongs to a language package; an undeclared package in between owns its own part. */
  #directory(path: string): Ownership | undefined {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const directory = path.slice(0, at);
      const owner = this.#sbom.directories.get(directory);
      if (owner === -1) return undefined;
      if (owner !== undefined) return this.#owned(path, owner, 'directory', 'medium');
      if (/\/node_modules\/(?:@[^/]+\/)?[^/@][^/]*$/.test(directory)) return undefined;
    }
    return undefined;
  }

  #nobody(path: string): Ownership {
    const { files, osPackageCount, osPackagesWithFiles } = this.#sbom;
    if (files.size === 0)
      return { state: 'no-ownership-data', path, reason: 'the SBOM lists packages but not their files' };
    if (osPackageCount > 0 && osPackagesWithFiles === 0)
      return { state: 'no-ownership-data', path, reason: 'the SBOM lists no files of the distribution’s packages' };
    const partial = osPackagesWithFiles < osPackageCount;
    const caveat = partial
      ? ` (${osPackageCount - osPackagesWithFiles} of ${osPackageCount} packages list no files)`
      : '';
    return { state: 'unowned', path, reason: `no package of the SBOM claims it${caveat}` };
  }

  /** A listed file that is also the evidence of a language package: the lister first, the language package second. */
  #withEvidence(listed: Owners, path: string): Owners {
    const evident = this.#sbom.evidence.get(path);
    return evident === undefined ? listed : [...new Set([listed, evident].flat() as number[])];
  }

  /** Distribution packages first: their advisories know about backported fixes, the language ecosystem's do not. */
  #owned(path: string, owners: Owners, method: OwnershipMethod, confidence: Confidence): Ownership {
    const numbers = typeof owners === 'number' ? [owners] : owners;
    const all = new Set(numbers.flatMap((owner) => [...(this.#sbom.distributors.get(owner) ?? []), owner]));
    const found = [...all].map((owner) => this.components[owner]).filter((component) => component !== undefined);
    const os = found.filter(({ type }) => isOsPackage(type));
    const language = found.filter(({ type }) => !isOsPackage(type));
    return { state: 'owned', owners: [...os, ...language], method, confidence, path };
  }
}
