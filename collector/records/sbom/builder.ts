import type { Component, SbomFormat } from '../papers.ts';
import { isOsPackage, languageDirectory, type PurlParts, parsePurl } from './component.ts';
import { tooMany } from './limits.ts';
import { limits, type Owners, type ParsedSbom } from './model.ts';
import { normalizePath } from './path.ts';
import { usrMergeOf } from './usr-merge.ts';

export interface ComponentInput {
  purl: string | undefined;
  name: string;
  version: string | undefined;
  /** The generator's word for the kind, used when there is no purl. */
  type: string | undefined;
  sourceName?: string | undefined;
  sourceVersion?: string | undefined;
  layerDigest?: string | undefined;
}

/** Collects what the readers of the three formats find, within the limits, and puts it into one shape. */
export class SbomBuilder {
  readonly #components: Component[] = [];
  readonly #purls: PurlParts[] = [];
  readonly #files = new Map<string, Owners>();
  readonly #evidence = new Map<string, Owners>();
  readonly #directories = new Map<string, number>();
  readonly #distributors = new Map<number, number[]>();
  readonly #dependencies = new Set<number>();
  #distro: { id: string; version: string } | undefined;
  #entries = 0;

  /** Returns the component's number. */
  addComponent(input: ComponentInput): number {
    if (this.#components.length >= limits.maxComponents) throw tooMany('packages', limits.maxComponents);
    const purl = parsePurl(input.purl);
    this.#purls.push(purl);
    const source = purl.upstream;
    return (
      this.#components.push({
        purl: input.purl ?? '',
        name: input.name,
        version: input.version ?? '',
        type: purl.type || (input.type ?? 'unknown'),
        sourceName: input.sourceName || source?.name,
        sourceVersion: input.sourceVersion || source?.version,
        layerDigest: input.layerDigest,
      }) - 1
    );
  }

  isOsPackage(component: number): boolean {
    return isOsPackage(this.#components[component]?.type ?? '');
  }

  /** The package lists this file as its own. */
  addFile(path: string, component: number): void {
    this.#add(this.#files, path, component);
  }

  /** The package is known from this file: for language packages that makes the file, or its directory, theirs. */
  addEvidence(path: string, component: number): void {
    if (this.isOsPackage(component)) return;
    this.#add(this.#evidence, path, component);
    const { name = '', version = '', type = '' } = this.#components[component] ?? {};
    const directory = languageDirectory(normalizePath(path) ?? '', { name, version, type });
    if (directory !== undefined) this.addDirectory(directory, component);
  }

  /** The package has this directory to itself; a second claim makes it nobody's. */
  addDirectory(directory: string, component: number): void {
    const path = normalizePath(directory);
    if (path === undefined || path === '/') return;
    this.#countEntry();
    const known = this.#directories.get(path);
    this.#directories.set(path, known === undefined || known === component ? component : -1);
  }

  /** A distribution package owns the files of a language package. */
  addOverlap(osPackage: number, languagePackage: number): void {
    const known = this.#distributors.get(languagePackage) ?? [];
    if (known.length < limits.maxOwnersPerPath) this.#distributors.set(languagePackage, [...known, osPackage]);
  }

  /** Something else depends on this component: of several packages in one binary it is not the main one. */
  addDependency(component: number): void {
    this.#dependencies.add(component);
  }

  setDistro(id: string, version: string): void {
    this.#distro = { id: id.toLowerCase(), version };
  }

  build(head: {
    format: SbomFormat;
    name: string;
    generator: string | undefined;
    createdAt: string | undefined;
  }): ParsedSbom {
    for (const [path, owners] of this.#evidence)
      if (typeof owners !== 'number') this.#evidence.set(path, this.#mainFirst(owners));
    const withFiles = new Set<number>();
    for (const owners of this.#files.values())
      for (const owner of [owners].flat()) if (this.isOsPackage(owner)) withFiles.add(owner);
    return {
      ...head,
      components: this.#components,
      files: this.#files,
      evidence: this.#evidence,
      directories: this.#directories,
      distributors: this.#distributors,
      usrMerge: usrMergeOf(this.#distro ?? this.#distroOfPurls(), this.#files.keys()),
      osPackageCount: this.#components.filter(({ type }) => isOsPackage(type)).length,
      osPackagesWithFiles: withFiles.size,
    };
  }

  #mainFirst(owners: readonly number[]): number[] {
    const main = owners.filter((owner) => !this.#dependencies.has(owner));
    return [...main, ...owners.filter((owner) => this.#dependencies.has(owner))];
  }

  #distroOfPurls(): { id: string; version: string } | undefined {
    return this.#purls.find(({ distro }) => distro !== undefined)?.distro;
  }

  #add(map: Map<string, Owners>, text: string, component: number): void {
    const path = normalizePath(text);
    if (path === undefined) return;
    const known = map.get(path);
    if (known === undefined) {
      this.#countEntry();
      map.set(path, component);
      return;
    }
    const owners = typeof known === 'number' ? [known] : known;
    if (owners.includes(component)) return;
    if (owners.length >= limits.maxOwnersPerPath) throw tooMany('owners of one file', limits.maxOwnersPerPath);
    map.set(path, [...owners, component]);
  }

  #countEntry(): void {
    if (++this.#entries > limits.maxFiles) throw tooMany('files', limits.maxFiles);
  }
}
