import { dirname } from 'node:path/posix';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../image-tree.ts';
import { InventoryError } from '../inventory-error.ts';
import { jsonObject, languagePackage, lowestLayer, readEach, shortText } from '../language-package.ts';

const maxBytes = 4 * 1024 * 1024;
/** Folders in which package.json is material of tests and examples, not something installed. */
const testFolders = /\/(?:tests?|__tests__|__mocks__|fixtures?|examples?|benchmarks?)\//;
/** Folders whose children are packages: npm, yarn, pnpm ("node_modules/.pnpm/x@1/node_modules/x"), and Debian's. */
const packageRoot = /^(.*\/(?:node_modules|usr\/share\/nodejs))\/((?:@[^/]+\/)?[^/@.][^/]*)$/;

/**
 * Installed npm packages: every package.json with a name. Inside another package one with name and version counts too
 * (bundled code), unless it repeats the package around it or is test material.
 */
export const npmReader: PackageReader = {
  name: 'npm',
  wants: ({ kind, path }) => kind === 'file' && path.endsWith('/package.json'),
  read(tree, wanted, sink) {
    const names = new Map<string, string>();
    const outerFirst = wanted.toSorted((a, b) => a.path.length - b.path.length);
    return readEach('npm', outerFirst, sink, (entry) => readOne(tree, entry, sink, names));
  },
};

/** `names`: directory → "name@version" of the packages so far, outer before inner. */
function readOne(tree: ImageTree, entry: TreeEntry, sink: InventorySink, names: Map<string, string>): void {
  const directory = dirname(entry.path);
  const isRoot = packageRoot.test(directory);
  const around = isRoot ? undefined : packageAround(directory, names);
  const inside = around === undefined ? undefined : directory.slice(around.directory.length);
  if (inside !== undefined && testFolders.test(`${inside}/`)) return;
  const bytes = tree.read(entry.path, maxBytes);
  const json = jsonObject(bytes, 'package.json');
  const name = packageName(json.name);
  const version = shortText(json.version) ?? '';
  if (name === undefined) {
    if (isRoot && json.name !== undefined)
      throw new InventoryError('malformed', 'the name in package.json is not one of a package');
    return;
  }
  if (around !== undefined && (version === '' || around.identity === `${name}@${version}`)) return;
  if (isRoot || around !== undefined) names.set(directory, `${name}@${version}`);
  const scope = name.startsWith('@') ? name.slice(0, name.indexOf('/')) : '';
  sink.addPackage(
    languagePackage({
      type: 'npm',
      namespace: scope,
      purlName: scope === '' ? name : name.slice(scope.length + 1),
      name,
      version,
      layer: lowestLayer(tree, entry, bytes),
      location: entry.path,
      licenses: licensesOf(json),
      directories: isRoot || around !== undefined ? [directory] : [],
    }),
  );
}

/** The nearest package whose directory this one is in, without a node_modules between. */
function packageAround(
  directory: string,
  names: ReadonlyMap<string, string>,
): { directory: string; identity: string } | undefined {
  for (let at = dirname(directory); at !== '/' && !at.endsWith('/node_modules'); at = dirname(at)) {
    const identity = names.get(at);
    if (identity !== undefined) return { directory: at, identity };
  }
  return undefined;
}

function packageName(value: unknown): string | undefined {
  const name = shortText(value, 214);
  return name !== undefined && /^(?:@[^/@\s]+\/)?[^/@\s]+$/.test(name) ? name : undefined;
}

/** "MIT", { type: "MIT" }, or the old list of such. */
function licensesOf(json: Readonly<Record<string, unknown>>): string[] {
  const declared = [json.license ?? json.licenses].flat().slice(0, 16);
  return declared.flatMap((each) => {
    const text = shortText(typeof each === 'object' && each !== null ? (each as { type?: unknown }).type : each);
    return text === undefined ? [] : [text];
  });
}
