import type { Contents } from '../contents/contents.ts';
import { canonicalDigest } from '../contents/file-digest.ts';
import type { Component } from '../papers.ts';
import { isOsPackage, languageDirectory, type PurlParts, parsePurl } from './component.ts';
import { tooMany } from './limits.ts';
import { limits, type ParsedSbom, type SbomHead } from './model.ts';
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
  architecture?: string | undefined;
  licenses?: readonly string[] | undefined;
}

/** What a document tells of a file beside its owners; what is undefined is not told. */
export interface FileFacts {
  layerDigest?: string | undefined;
  linkTarget?: string | undefined;
  mode?: number | undefined;
  digests?: readonly { algorithm: string; value: string }[] | undefined;
}

interface FileEntry {
  owners: number[];
  evidenceOf: number[];
  layerDigest: string;
  linkTarget: string | undefined;
  mode: number | undefined;
  digest: string;
}

/** Better ones last. */
const digestOrder = ['md5', 'sha1', 'sha512', 'sha384', 'sha256'];

/** Collects what the readers of the formats find, within the limits, and puts it into one shape. */
export class SbomBuilder {
  readonly #components: Component[] = [];
  readonly #purls: PurlParts[] = [];
  readonly #files = new Map<string, FileEntry>();
  readonly #directories = new Map<number, string[]>();
  readonly #distributors = new Map<number, number[]>();
  readonly #dependencies = new Set<number>();
  readonly #describes = new Set<string>();
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
        layerDigest: layerDigest(input.layerDigest) || undefined,
        architecture: input.architecture || purl.architecture,
        licenses: [...new Set(input.licenses ?? [])].filter(isLicense).slice(0, limits.maxLicenses),
        location: undefined,
      }) - 1
    );
  }

  isOsPackage(component: number): boolean {
    return isOsPackage(this.#components[component]?.type ?? '');
  }

  /** The package lists this file as its own. */
  addFile(path: string, component: number, facts: FileFacts = {}): void {
    const file = this.#file(path);
    if (file === undefined) return;
    addOwner(file.owners, component);
    addFacts(file, facts);
  }

  /** What is told of a file whose owners are told elsewhere; of files that nobody speaks of nothing is kept. */
  addFacts(path: string, facts: FileFacts): void {
    const file = this.#files.get(normalizePath(path) ?? '');
    if (file !== undefined) addFacts(file, facts);
  }

  /** A link of the image, which makes paths through it known by their other name. */
  addLink(path: string, facts: FileFacts): void {
    const file = this.#file(path);
    if (file !== undefined) addFacts(file, facts);
  }

  /** The package is known from this file: for language packages that makes the file, or its directory, theirs. */
  addEvidence(path: string, component: number): void {
    const known = this.#components[component];
    const normal = normalizePath(path);
    if (known === undefined || normal === undefined) return;
    known.location ??= normal;
    if (this.isOsPackage(component)) return;
    const file = this.#file(path);
    if (file !== undefined) addOwner(file.evidenceOf, component);
    const directory = languageDirectory(normal, known);
    if (directory !== undefined) this.addDirectory(directory, component);
  }

  /** The package has this directory to itself; a second claim makes it nobody's. */
  addDirectory(directory: string, component: number): void {
    const path = normalizePath(directory);
    if (path === undefined || path === '/') return;
    const known = this.#directories.get(component) ?? [];
    if (known.includes(path) || known.length >= limits.maxOwnersPerPath) return;
    this.#countEntry();
    this.#directories.set(component, [...known, path]);
  }

  /** A distribution package owns the files of a language package. */
  addOverlap(osPackage: number, languagePackage: number): void {
    const known = this.#distributors.get(languagePackage) ?? [];
    if (known.length < limits.maxOwnersPerPath && !known.includes(osPackage))
      this.#distributors.set(languagePackage, [...known, osPackage]);
  }

  /** Something else depends on this component: of several packages in one binary it is not the main one. */
  addDependency(component: number): void {
    this.#dependencies.add(component);
  }

  setDistro(id: string, version: string): void {
    this.#distro = { id: id.toLowerCase(), version };
  }

  /** The document says that it is about the image with this digest. */
  addDescribed(digest: string | undefined): void {
    const found = /sha256:[0-9a-f]{64}/.exec(decodedColon(digest ?? ''))?.[0];
    if (found !== undefined && this.#describes.size < limits.maxDescribed) this.#describes.add(found);
  }

  build(head: Omit<SbomHead, 'describes'>): ParsedSbom {
    const files: Contents['files'] = Array.from(this.#files, ([path, file]) => ({
      path,
      ...file,
      evidenceOf: file.evidenceOf.length > 1 ? this.#mainFirst(file.evidenceOf) : file.evidenceOf,
    }));
    const contents: Contents = {
      source: 'sbom',
      listsAllFiles: false,
      usrMerge: usrMergeOf(this.#distro ?? this.#distroOfPurls(), this.#ownedPaths()),
      incomplete: '',
      components: this.#components,
      files,
      directories: this.#directories,
      distributors: this.#distributors,
    };
    return { ...head, describes: [...this.#describes], contents };
  }

  *#ownedPaths(): Iterable<string> {
    for (const [path, { owners }] of this.#files) if (owners.length > 0) yield path;
  }

  #mainFirst(owners: readonly number[]): number[] {
    const main = owners.filter((owner) => !this.#dependencies.has(owner));
    return [...main, ...owners.filter((owner) => this.#dependencies.has(owner))];
  }

  #distroOfPurls(): { id: string; version: string } | undefined {
    return this.#purls.find(({ distro }) => distro !== undefined)?.distro;
  }

  #file(text: string): FileEntry | undefined {
    const path = normalizePath(text);
    if (path === undefined || path === '/') return undefined;
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    this.#countEntry();
    const file: FileEntry = {
      owners: [],
      evidenceOf: [],
      layerDigest: '',
      linkTarget: undefined,
      mode: undefined,
      digest: '',
    };
    this.#files.set(path, file);
    return file;
  }

  #countEntry(): void {
    if (++this.#entries > limits.maxFiles) throw tooMany('files', limits.maxFiles);
  }
}

function addOwner(owners: number[], component: number): void {
  if (owners.includes(component)) return;
  if (owners.length >= limits.maxOwnersPerPath) throw tooMany('owners of one file', limits.maxOwnersPerPath);
  owners.push(component);
}

function addFacts(file: FileEntry, facts: FileFacts): void {
  file.layerDigest ||= layerDigest(facts.layerDigest);
  file.linkTarget ??= facts.linkTarget || undefined;
  file.mode ??= facts.mode;
  for (const { algorithm, value } of facts.digests ?? []) {
    const digest = canonicalDigest(algorithm, value);
    if (digest !== '' && rank(digest) > rank(file.digest)) file.digest = digest;
  }
}

const rank = (digest: string): number => digestOrder.indexOf(digest.slice(0, digest.indexOf(':')));

function layerDigest(text: string | undefined): string {
  return /^sha256:[0-9a-f]{64}$/.exec(text ?? '')?.[0] ?? '';
}

/** In a purl the colon of a digest is written "%3A". */
function decodedColon(text: string): string {
  return text.replaceAll(/%3a/gi, ':');
}

function isLicense(text: string): boolean {
  return text !== '' && text !== 'NOASSERTION' && text !== 'NONE';
}
