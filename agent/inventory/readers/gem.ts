import { basename } from 'node:path/posix';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../image-tree.ts';
import { InventoryError } from '../inventory-error.ts';
import { languagePackage, lowestLayer, readEach, shortText, textOf } from '../language-package.ts';

const maxBytes = 2 * 1024 * 1024;
const specification = /^(.*)\/specifications\/(?:.+\/)?([^/]+)\.gemspec$/;

/**
 * Installed Ruby gems, from the specifications that RubyGems wrote at their installation: plain assignments of literals.
 * https://guides.rubygems.org/specification-reference/
 */
export const gemReader: PackageReader = {
  name: 'gem',
  wants: ({ kind, path }) => kind === 'file' && path.endsWith('.gemspec') && specification.test(path),
  read: (tree, wanted, sink) => readEach('gem', wanted, sink, (entry) => readOne(tree, entry, sink)),
};

function readOne(tree: ImageTree, entry: TreeEntry, sink: InventorySink): void {
  const bytes = tree.read(entry.path, maxBytes);
  const text = textOf(bytes);
  const name = shortText(literal(text, 'name'), 200);
  const version = shortText(literal(text, 'version'), 200);
  if (name === undefined || version === undefined || !/^[\w.-]+$/.test(name))
    throw new InventoryError('malformed', `the specification ${basename(entry.path)} has no name and version`);
  const [, base = '', fullName = ''] = specification.exec(entry.path) ?? [];
  const directory = `${base}/gems/${fullName}`;
  sink.addPackage(
    languagePackage({
      type: 'gem',
      namespace: '',
      purlName: name,
      name,
      version,
      layer: lowestLayer(tree, entry, bytes),
      location: entry.path,
      licenses: licensesOf(text),
      directories: tree.resolve(directory)?.kind === 'directory' ? [directory] : [],
    }),
  );
}

/** The literal in `s.name = "rake".freeze`, `s.version = Gem::Version.new("1.0")`. */
function literal(text: string, attribute: 'name' | 'version'): string | undefined {
  const line = new RegExp(
    `^[ \\t]*\\w{1,20}\\.${attribute}[ \\t]*=[ \\t]*(?:Gem::Version\\.new[( ]?[ \\t]*)?(["'])([^"'\\n]{1,200})\\1`,
    'm',
  );
  return line.exec(text)?.[2];
}

function licensesOf(text: string): string[] {
  const list = /^[ \t]*\w{1,20}\.licenses?[ \t]*=[ \t]*(\[[^\]\n]{0,1000}\]|["'][^\n]{0,200})/m.exec(text)?.[1] ?? '';
  return [...list.matchAll(/"([^"]+)"|'([^']+)'/g)].slice(0, 16).flatMap(([, a, b]) => shortText(a ?? b) ?? []);
}
