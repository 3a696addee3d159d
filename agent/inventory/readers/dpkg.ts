import type { Distribution } from '../../../common/inventory.ts';
import type { ImageTree, InventorySink, PackageReader } from '../image-tree.ts';
import { readDistribution } from '../os-release.ts';
import { layersOfPackages } from '../package-layers.ts';
import { problemOf } from '../problem-of.ts';
import { distroQualifier, purlOf } from '../purl.ts';
import { licensesOf } from './dpkg/copyright.ts';
import { type Diversion, divertedPath, parseDiversions } from './dpkg/diversions.ts';
import { parseList, parseMd5sums } from './dpkg/file-lists.ts';
import { type DpkgPackage, keyOf, parseStatus } from './dpkg/status.ts';

const reader = 'dpkg';
const folder = '/var/lib/dpkg';
const maxStatusBytes = 64 * 1024 * 1024;
const maxListBytes = 32 * 1024 * 1024;
const maxSmallBytes = 1024 * 1024;
const maxCopyrightBytes = 256 * 1024;
/** States of packages of which nothing but configuration is there. */
const removedStates = new Set(['config-files', 'not-installed']);

/**
 * Packages of Debian and what derives from it, distroless images too.
 * @see https://manpages.debian.org/dpkg.1 (files)
 */
export const dpkgReader: PackageReader = {
  name: reader,
  wants: () => false,
  read(tree, _wanted, sink) {
    const status = tree.resolve(`${folder}/status`);
    const parts = tree
      .list(`${folder}/status.d`)
      .filter(({ kind, path }) => kind === 'file' && !path.endsWith('.md5sums'));
    if (status?.kind !== 'file' && parts.length === 0) return;
    const database = new Database(tree, sink);
    if (status?.kind === 'file') database.readStatus(status.path, `${folder}/info`);
    for (const { path } of parts) {
      if (sink.exhausted) break;
      database.readStatus(path, undefined);
    }
  },
};

class Database {
  readonly #tree: ImageTree;
  readonly #sink: InventorySink;
  readonly #distribution: Distribution | undefined;
  readonly #diversions: ReadonlyMap<string, Diversion>;

  constructor(tree: ImageTree, sink: InventorySink) {
    this.#tree = tree;
    this.#sink = sink;
    this.#distribution = readDistribution(tree);
    this.#diversions = this.#readDiversions();
  }

  /** `info`: the folder of file lists; undefined in status.d, where they lie beside the stanza. */
  readStatus(path: string, info: string | undefined): void {
    const bytes = this.#read(path, maxStatusBytes, 'its packages are missing');
    if (bytes === undefined) return;
    const layerOf = layersOfPackages(this.#tree, this.#sink, {
      ...{ reader, path, maxBytes: maxStatusBytes },
      keysOf: keysOfStatus,
    });
    let found = 0;
    for (const each of parseStatus(bytes)) {
      if (this.#sink.exhausted) return;
      found++;
      if (each === undefined)
        this.#problem(path, 'malformed', 'it has a stanza without a valid package name and version');
      else if (each.state === 'installed' || (each.state === '' && info === undefined))
        this.#addPackage(each, path, layerOf(keyOf(each)), info);
      else if (!removedStates.has(each.state))
        this.#problem(path, 'unsupported', `${each.name} is "${each.state}", not installed: it is left out`);
    }
    if (found === 0 && bytes.length > 0) this.#problem(path, 'malformed', 'it has no packages');
  }

  #addPackage(each: DpkgPackage, path: string, layer: number, info: string | undefined): void {
    const { name, version, architecture, sourceName, sourceVersion } = each;
    const purl = purlOf({
      ...{ type: 'deb', namespace: this.#distribution?.id ?? 'debian', name, version },
      qualifiers: { arch: architecture, distro: distroQualifier(this.#distribution) },
    });
    if (purl === undefined) {
      this.#problem(path, 'malformed', `${name} makes no package URL`);
      return;
    }
    const owner = this.#sink.addPackage({
      ...{ type: 'deb', name, version, purl, architecture, sourceName, sourceVersion, layer, location: path },
      licenses: this.#licensesOf(name),
      directories: [],
    });
    this.#addFiles(owner, each, info === undefined ? path : this.#infoOf(each, info), info !== undefined);
  }

  /** `info/libc6:amd64` or `info/bash`. */
  #infoOf({ name, architecture }: DpkgPackage, info: string): string {
    const qualified = `${info}/${name}:${architecture}`;
    return this.#tree.resolve(`${qualified}.list`) === undefined ? `${info}/${name}` : qualified;
  }

  #addFiles(owner: number, { name, conffiles }: DpkgPackage, base: string, hasList: boolean): void {
    const own = (path: string, md5?: string): void =>
      this.#sink.addOwnedFile(owner, divertedPath(this.#diversions, name, path), md5 && `md5:${md5}`);
    const list = hasList ? this.#readList(`${base}.list`, name) : undefined;
    for (const path of list === undefined ? [] : parseList(list)) {
      if (this.#sink.exhausted) return;
      own(path);
    }
    for (const { path, md5 } of conffiles) own(path, md5);
    if (this.#tree.resolve(`${base}.md5sums`) === undefined) return;
    const sums = this.#read(`${base}.md5sums`, maxListBytes, `digests of the files of ${name} are missing`);
    for (const { path, md5 } of sums === undefined ? [] : parseMd5sums(sums)) {
      if (this.#sink.exhausted) return;
      own(path, md5);
    }
  }

  #readList(path: string, name: string): Buffer | undefined {
    if (this.#tree.resolve(path) !== undefined) return this.#read(path, maxListBytes, `files of ${name} are missing`);
    this.#problem(path, 'unreadable', `it does not exist: which files ${name} has is not known`);
    return undefined;
  }

  #licensesOf(name: string): string[] {
    const path = `/usr/share/doc/${name}/copyright`;
    const entry = this.#tree.resolve(path);
    if (entry?.kind !== 'file' || entry.sizeBytes > maxCopyrightBytes) return [];
    const bytes = this.#read(path, maxCopyrightBytes, `licences of ${name} are missing`);
    return bytes === undefined ? [] : licensesOf(bytes);
  }

  #readDiversions(): ReadonlyMap<string, Diversion> {
    const path = `${folder}/diversions`;
    const consequence = 'diverted files are told of the wrong packages';
    if (this.#tree.resolve(path) === undefined) return new Map();
    const bytes = this.#read(path, maxSmallBytes, consequence);
    if (bytes === undefined) return new Map();
    const diversions = parseDiversions(bytes);
    if (diversions === undefined) this.#problem(path, 'malformed', `it is no file of diversions: ${consequence}`);
    return diversions ?? new Map();
  }

  #read(path: string, maxBytes: number, consequence: string): Buffer | undefined {
    try {
      return this.#tree.read(path, maxBytes);
    } catch (error) {
      this.#sink.addProblem(problemOf(reader, path, error, consequence));
      return undefined;
    }
  }

  #problem(path: string, code: string, reason: string): void {
    this.#sink.addProblem({ reader, path, code, reason });
  }
}

function* keysOfStatus(bytes: Buffer): Generator<string> {
  for (const each of parseStatus(bytes)) if (each !== undefined) yield keyOf(each);
}
