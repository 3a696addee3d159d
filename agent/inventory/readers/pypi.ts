import { dirname, join } from 'node:path/posix';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../image-tree.ts';
import { InventoryError } from '../inventory-error.ts';
import { jsonObject, languagePackage, lowestLayer, readEach, shortText, textOf } from '../language-package.ts';
import { problemOf } from '../problem-of.ts';
import { coreMetadata } from './core-metadata.ts';
import { readRecord } from './pypi-record.ts';

const maxMetadataBytes = 4 * 1024 * 1024;
const maxListBytes = 16 * 1024 * 1024;
const maxSmallBytes = 256 * 1024;
const maxDirectories = 256;
const metadata = /(?:dist-info\/METADATA|(?:egg-info|EGG-INFO)\/PKG-INFO|\.egg-info)$/;

/** Installed Python distributions: wheels (dist-info), eggs and what distutils left (egg-info). */
export const pypiReader: PackageReader = {
  name: 'pypi',
  wants: ({ kind, path }) => kind === 'file' && metadata.test(path),
  read: (tree, wanted, sink) => readEach('pypi', wanted, sink, (entry) => readOne(tree, entry, sink)),
};

function readOne(tree: ImageTree, entry: TreeEntry, sink: InventorySink): void {
  const bytes = tree.read(entry.path, maxMetadataBytes);
  const fields = coreMetadata(textOf(bytes));
  const declaredName = shortText(fields.get('name')?.[0], 200);
  if (declaredName === undefined || !/^[\w.-]+$/.test(declaredName))
    throw new InventoryError('malformed', 'the metadata of a Python distribution has no name');
  // The interpreter describes itself so in old distributions; it is no distribution.
  if (declaredName === 'Python') return;
  const infoDirectory = entry.path.endsWith('.egg-info') ? undefined : dirname(entry.path);
  const site = dirname(infoDirectory ?? entry.path);
  const name = normalizedName(declaredName);
  const files = infoDirectory === undefined ? [] : ownedFiles(tree, infoDirectory, site, sink);
  const direct = infoDirectory === undefined ? undefined : directUrl(tree, infoDirectory, sink);
  const owner = sink.addPackage(
    languagePackage({
      type: 'pypi',
      namespace: '',
      purlName: name,
      name,
      version: shortText(fields.get('version')?.[0], 200) ?? '',
      layer: lowestLayer(tree, entry, bytes),
      location: entry.path,
      licenses: licensesOf(fields),
      qualifiers: direct?.vcsUrl === undefined ? undefined : { vcs_url: direct.vcsUrl },
      directories: directoriesOf(tree, infoDirectory, site, files, declaredName, direct?.editableRoot),
    }),
  );
  sink.addOwnedFile(owner, entry.path);
  for (const { path, digest } of files) {
    if (sink.exhausted) return;
    sink.addOwnedFile(owner, path, digest);
  }
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ */
export function normalizedName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

function licensesOf(fields: ReadonlyMap<string, readonly string[]>): string[] {
  const declared = fields.get('license-expression') ?? fields.get('license') ?? [];
  const texts = declared.flatMap((text) => shortText(text, 256) ?? []).filter((text) => text !== 'UNKNOWN');
  if (texts.length > 0) return texts.slice(0, 16);
  return (fields.get('classifier') ?? [])
    .filter((text) => text.startsWith('License :: '))
    .slice(0, 16)
    .flatMap((text) => shortText(text.split(' :: ').at(-1), 256) ?? []);
}

interface OwnedFile {
  path: string;
  digest: string | undefined;
}

/** From RECORD, else from installed-files.txt; a list that cannot be read is a problem, and the package stays known. */
function ownedFiles(tree: ImageTree, infoDirectory: string, site: string, sink: InventorySink): OwnedFile[] {
  const record = optional(tree, `${infoDirectory}/RECORD`, maxListBytes, sink);
  if (record !== undefined) {
    const { files, malformedLines } = readRecord(textOf(record), site);
    if (malformedLines > 0)
      sink.addProblem({
        reader: 'pypi',
        path: `${infoDirectory}/RECORD`,
        code: 'malformed',
        reason: `${malformedLines} lines are no file with digest and size; the files in them have no owner`,
      });
    return files;
  }
  const list = optional(tree, `${infoDirectory}/installed-files.txt`, maxListBytes, sink);
  if (list === undefined) return [];
  return textOf(list)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({
      path: line.startsWith('/') ? line.trim() : join(infoDirectory, line.trim()),
      digest: undefined,
    }));
}

/** What top_level.txt names, else the first folders in the list of files, else what is called as the distribution is. */
function directoriesOf(
  tree: ImageTree,
  infoDirectory: string | undefined,
  site: string,
  files: readonly OwnedFile[],
  name: string,
  editableRoot: string | undefined,
): string[] {
  const tops = new Set<string>();
  const list = infoDirectory === undefined ? undefined : tree.find(`${infoDirectory}/top_level.txt`);
  if (list?.kind === 'file' && list.sizeBytes <= maxSmallBytes)
    for (const line of textOf(tree.read(list.path, maxSmallBytes)).split('\n')) tops.add(line.trim());
  for (const { path } of files)
    if (path.startsWith(`${site}/`)) {
      const [first = '', ...rest] = path.slice(site.length + 1).split('/');
      if (rest.length > 0) tops.add(first);
    }
  if (tops.size === 0) tops.add(name.toLowerCase().replace(/[-.]+/g, '_'));
  const own = infoDirectory === undefined ? [] : [infoDirectory];
  if (editableRoot !== undefined) own.push(editableRoot);
  for (const top of [...tops].toSorted()) {
    const isName = /^[\w.-]+$/.test(top) && !['.', '..', '__pycache__', 'bin'].includes(top);
    if (isName && own.length < maxDirectories && tree.find(`${site}/${top}`)?.kind === 'directory')
      own.push(`${site}/${top}`);
  }
  return [...new Set(own)];
}

/** https://packaging.python.org/en/latest/specifications/direct-url/ */
function directUrl(
  tree: ImageTree,
  infoDirectory: string,
  sink: InventorySink,
): { editableRoot: string | undefined; vcsUrl: string | undefined } | undefined {
  const bytes = optional(tree, `${infoDirectory}/direct_url.json`, maxSmallBytes, sink);
  if (bytes === undefined) return undefined;
  const { url, dir_info, vcs_info } = jsonObjectOrEmpty(bytes);
  const place = shortText(url, 2048) ?? '';
  const isEditable = (dir_info as { editable?: unknown } | undefined)?.editable === true;
  const root = isEditable && place.startsWith('file:///') ? pathOf(place) : undefined;
  const { vcs, commit_id: commit } = (vcs_info ?? {}) as { vcs?: unknown; commit_id?: unknown };
  const hasCommit = shortText(vcs) !== undefined && shortText(commit) !== undefined;
  return {
    editableRoot: root !== undefined && root !== '/' && tree.find(root)?.kind === 'directory' ? root : undefined,
    vcsUrl: hasCommit ? `${vcs}+${place}@${commit}` : undefined,
  };
}

function jsonObjectOrEmpty(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return jsonObject(bytes, 'direct_url.json');
  } catch {
    return {};
  }
}

function pathOf(url: string): string | undefined {
  try {
    return join('/', decodeURIComponent(new URL(url).pathname)).replace(/(.)\/$/, '$1');
  } catch {
    return undefined;
  }
}

/** A file that need not be there; undefined also when it cannot be read, which is told. */
function optional(tree: ImageTree, path: string, maxBytes: number, sink: InventorySink): Buffer | undefined {
  if (tree.find(path)?.kind !== 'file') return undefined;
  try {
    return tree.read(path, maxBytes);
  } catch (error) {
    sink.addProblem(problemOf('pypi', path, error, 'files of this distribution have no owner'));
    return undefined;
  }
}
