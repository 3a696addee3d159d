import {
  type InventoryFile,
  type InventoryPackage,
  type InventoryProblem,
  inventoryLimits,
} from '../../common/inventory.ts';
import { noEntry } from './entry-table.ts';
import type { InventorySink } from './image-tree.ts';
import type { LayeredTree } from './layered-tree.ts';
import type { Pacer } from './pacer.ts';

const digestForm = /^(?:md5|sha1|sha224|sha256|sha384|sha512):[0-9a-f]{32,128}$/;
const maxLicenses = 64;
const none: readonly number[] = [];

/** Gathers what readers find, within the bounds of an inventory; then tells the files with it. */
export class InventoryBuilder implements InventorySink {
  readonly packages: InventoryPackage[] = [];
  readonly problems: InventoryProblem[] = [];
  /** The reader at work, for problems that are noticed here. */
  reader = 'tree';
  readonly #tree: LayeredTree;
  readonly #pacer: Pacer;
  readonly #positions = new Map<string, number>();
  readonly #owners = new Map<number, number[]>();
  readonly #evidence = new Map<number, number[]>();
  readonly #digests = new Map<number, string>();
  readonly #told = new Set<string>();
  readonly #alone: number[][] = [];
  #full = false;

  constructor(tree: LayeredTree, pacer: Pacer) {
    this.#tree = tree;
    this.#pacer = pacer;
  }

  get exhausted(): boolean {
    return this.#pacer.step() || this.#full;
  }

  addPackage(found: InventoryPackage): number {
    this.#pacer.step();
    const key = `${found.purl}\0${found.location}`;
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    if (this.packages.length >= inventoryLimits.maxPackages) {
      this.#full = true;
      this.#limit(found.location, `there are more than ${inventoryLimits.maxPackages} packages: the rest is left out`);
      return noEntry;
    }
    this.#positions.set(key, this.packages.length);
    return this.packages.push(this.#bounded(found)) - 1;
  }

  addOwnedFile(owner: number, path: string, declaredDigest = ''): void {
    this.#pacer.step();
    const id = this.#fileAt(owner, path);
    if (id === noEntry) return;
    const owners = this.#put(this.#owners, id, owner, inventoryLimits.maxOwnersPerFile);
    // What several packages say of one file cannot all be true: the first one's counts.
    if (owners[0] === owner && this.#tree.isFile(id) && digestForm.test(declaredDigest))
      this.#digests.set(id, declaredDigest);
  }

  addEvidence(owner: number, path: string): void {
    this.#pacer.step();
    const id = this.#fileAt(owner, path);
    if (id !== noEntry) this.#put(this.#evidence, id, owner, inventoryLimits.maxEvidencePerFile);
  }

  addProblem(problem: InventoryProblem): void {
    const key = `${problem.reader}\0${problem.path}\0${problem.code}`;
    if (this.#told.has(key) || this.problems.length >= inventoryLimits.maxProblems) return;
    this.#told.add(key);
    const max = inventoryLimits.maxTextLength;
    const last = this.problems.length === inventoryLimits.maxProblems - 1;
    this.problems.push(
      last
        ? { reader: 'tree', path: '/', code: 'limit', reason: 'there are more problems than are kept' }
        : { ...problem, path: problem.path.slice(0, max), reason: problem.reason.slice(0, max) },
    );
  }

  /** Regular files and links with what is known of them, by path. */
  *files(): Generator<InventoryFile> {
    const tree = this.#tree;
    for (const { path, id } of tree.listed()) {
      this.#pacer.step();
      const entry = tree.entryOf(id, path);
      if (entry === undefined || (entry.kind !== 'file' && entry.kind !== 'symlink')) continue;
      yield {
        path,
        kind: entry.kind,
        linkTarget: entry.linkTarget,
        owners: this.#owners.get(id) ?? none,
        evidenceOf: this.#evidence.get(id) ?? none,
        layer: entry.layer,
        sizeBytes: entry.sizeBytes,
        mode: entry.mode,
        declaredDigest: this.#digests.get(id) ?? '',
      };
    }
  }

  /** The entry that the inventory lists under this path, spelled with any links in its parents. */
  #fileAt(owner: number, path: string): number {
    if (this.packages[owner] === undefined) return noEntry;
    if (path.length > inventoryLimits.maxPathBytes)
      this.#limit(path, `paths of more than ${inventoryLimits.maxPathBytes} characters are left out`);
    const id = this.#tree.idOf(path);
    return id !== noEntry && this.#tree.isListed(id) ? id : noEntry;
  }

  #put(lists: Map<number, number[]>, id: number, owner: number, max: number): number[] {
    const list = lists.get(id);
    if (list === undefined) {
      const alone = this.#aloneOf(owner);
      lists.set(id, alone);
      return alone;
    }
    // Modules of one binary come in order, so that the last one tells whether it is known.
    if (list.at(-1) === owner || (list.length <= 64 && list.includes(owner))) return list;
    if (list.length === 1) lists.set(id, [...list, owner]);
    else if (list.length < max) list.push(owner);
    else this.#limit(this.#tree.pathOf(id), `more than ${max} packages claim this file: the rest is left out`);
    return list;
  }

  /** One list for all files that have this owner and no other: nearly all have one. It is never changed. */
  #aloneOf(owner: number): number[] {
    const known = this.#alone[owner];
    if (known !== undefined) return known;
    const alone = [owner];
    this.#alone[owner] = alone;
    return alone;
  }

  #bounded(found: InventoryPackage): InventoryPackage {
    const max = inventoryLimits.maxTextLength;
    const texts = [found.name, found.version, found.purl, found.sourceName, found.sourceVersion, found.architecture];
    if ([...texts, ...found.licenses].some((text) => text.length > max))
      this.#limit(found.location, `texts of more than ${max} characters are cut`);
    if (found.directories.length > inventoryLimits.maxDirectoriesPerPackage)
      this.#limit(found.location, `more than ${inventoryLimits.maxDirectoriesPerPackage} directories of a package`);
    const cut = (text: string): string => text.slice(0, max);
    return {
      ...found,
      ...{ name: cut(found.name), version: cut(found.version), purl: cut(found.purl) },
      ...{ architecture: cut(found.architecture), location: cut(found.location) },
      ...{ sourceName: cut(found.sourceName), sourceVersion: cut(found.sourceVersion) },
      licenses: found.licenses.slice(0, maxLicenses).map(cut),
      directories: found.directories.slice(0, inventoryLimits.maxDirectoriesPerPackage),
    };
  }

  #limit(path: string, reason: string): void {
    this.addProblem({ reader: this.reader, path, code: 'limit', reason });
  }
}
