import { basename } from 'node:path/posix';
import type { ReadRange } from '../elf.ts';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../image-tree.ts';
import { InventoryError } from '../inventory-error.ts';
import { languagePackage, readEach, textOf } from '../language-package.ts';
import { problemOf } from '../problem-of.ts';
import { identify, type JarArtifact } from './jar/identity.ts';
import { mainAttributes, properties } from './jar/manifest.ts';
import { type ArchiveBudget, entryBytes, openZip, zipEntries } from './jar/zip.ts';

/** Bounds of one archive with everything inside it. */
export const jarLimits = {
  maxEntries: 300_000,
  maxInflatedBytes: 512 * 1024 * 1024,
  maxNestedBytes: 64 * 1024 * 1024,
  maxTextBytes: 1024 * 1024,
  maxPoms: 10_000,
  /** A jar in a war in an ear, and one more. */
  maxDepth: 3,
} as const;

const archive = /\.(?:jar|war|ear|par|sar|nar|kar|far|jpi|hpi|lpkg)$/i;
const pomProperties = /(?:^|\/)META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/;

/** Java archives, with the archives in them. */
export const jarReader: PackageReader = {
  name: 'jar',
  wants: ({ kind, path, sizeBytes }) => kind === 'file' && sizeBytes > 0 && archive.test(path),
  read: (tree, wanted, sink) => readEach('jar', wanted, sink, (entry) => readOne(tree, entry, sink)),
};

async function readOne(tree: ImageTree, entry: TreeEntry, sink: InventorySink): Promise<void> {
  const budget = { entries: jarLimits.maxEntries, inflatedBytes: jarLimits.maxInflatedBytes };
  const visit = new ArchiveVisit(entry, budget, sink);
  await visit.read((offset, length) => tree.readRange(entry.path, offset, length), entry.sizeBytes, entry.path, 0);
}

/** One file of the image, and what is packed in it. */
class ArchiveVisit {
  readonly #entry: TreeEntry;
  readonly #budget: ArchiveBudget;
  readonly #sink: InventorySink;

  constructor(entry: TreeEntry, budget: ArchiveBudget, sink: InventorySink) {
    this.#entry = entry;
    this.#budget = budget;
    this.#sink = sink;
  }

  async read(range: ReadRange, sizeBytes: number, name: string, depth: number): Promise<void> {
    const zip = await openZip(range, sizeBytes);
    const poms: ReadonlyMap<string, string>[] = [];
    let manifest: ReadonlyMap<string, string> | undefined;
    for await (const [inner, entry] of zipEntries(zip, this.#budget)) {
      if (this.#sink.exhausted) break;
      const bytes = (maxBytes: number): Promise<Buffer> => entryBytes(zip, entry, maxBytes, this.#budget);
      try {
        if (/^META-INF\/MANIFEST\.MF$/i.test(inner))
          manifest = mainAttributes(textOf(await bytes(jarLimits.maxTextBytes)));
        else if (pomProperties.test(inner) && poms.length < jarLimits.maxPoms)
          poms.push(properties(textOf(await bytes(jarLimits.maxTextBytes))));
        else if (archive.test(inner)) await this.#readNested(inner, bytes, depth);
      } catch (error) {
        this.#note(`${name === this.#entry.path ? '' : `${basename(name)}: `}${inner}`, error);
      }
    }
    for (const artifact of identify({ fileName: name, manifest, poms })) this.#add(artifact);
  }

  async #readNested(name: string, bytes: (maxBytes: number) => Promise<Buffer>, depth: number): Promise<void> {
    if (depth >= jarLimits.maxDepth)
      throw new InventoryError('limit', `archives are nested deeper than ${jarLimits.maxDepth} levels`);
    const nested = await bytes(jarLimits.maxNestedBytes);
    await this.read((offset, length) => nested.subarray(offset, offset + length), nested.length, name, depth + 1);
  }

  #add({ group, artifact, version, licenses }: JarArtifact): void {
    try {
      const found = languagePackage({
        type: 'maven',
        // Old artifacts have their own name for a group.
        namespace: group || artifact,
        purlName: artifact,
        name: artifact,
        version,
        layer: this.#entry.layer,
        location: this.#entry.path,
        licenses,
      });
      this.#sink.addEvidence(this.#sink.addPackage(found), this.#entry.path);
    } catch (error) {
      this.#note(artifact, error);
    }
  }

  #note(where: string, error: unknown): void {
    const consequence = `what ${where.slice(0, 200)} in it holds is not listed`;
    this.#sink.addProblem(problemOf('jar', this.#entry.path, error, consequence));
  }
}
