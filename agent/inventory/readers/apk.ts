import type { Distribution } from '../../../common/inventory.ts';
import type { ImageTree, InventorySink, PackageReader } from '../image-tree.ts';
import { readDistribution } from '../os-release.ts';
import { layersOfPackages } from '../package-layers.ts';
import { problemOf } from '../problem-of.ts';
import { distroQualifier, purlOf } from '../purl.ts';
import { type ApkPackage, keyOf, parseInstalled } from './apk/installed.ts';

const reader = 'apk';
/** The second is where merged /usr has it (Alpine 3.22, Wolfi). */
const paths = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'];
const maxBytes = 128 * 1024 * 1024;

/** Packages of Alpine and what derives from it. @see https://wiki.alpinelinux.org/wiki/Apk_spec */
export const apkReader: PackageReader = {
  name: reader,
  wants: () => false,
  read(tree, _wanted, sink) {
    const found = paths.map((path) => tree.resolve(path)).filter((entry) => entry?.kind === 'file');
    const distribution = found.length === 0 ? undefined : readDistribution(tree);
    for (const path of new Set(found.map((entry) => entry?.path ?? ''))) readDatabase(tree, path, distribution, sink);
  },
};

function readDatabase(
  tree: ImageTree,
  path: string,
  distribution: Distribution | undefined,
  sink: InventorySink,
): void {
  const problem = (reason: string): void => sink.addProblem({ reader, path, code: 'malformed', reason });
  let bytes: Buffer;
  try {
    bytes = tree.read(path, maxBytes);
  } catch (error) {
    sink.addProblem(problemOf(reader, path, error, 'its packages are missing'));
    return;
  }
  const layerOf = layersOfPackages(tree, sink, { reader, path, maxBytes, keysOf });
  let found = 0;
  for (const each of parseInstalled(bytes)) {
    if (sink.exhausted) return;
    found++;
    if (each === undefined) problem('it has a stanza without a package name and version');
    else if (!each.isVirtual && !addPackage(each, path, layerOf(keyOf(each)), distribution, sink))
      problem(`${each.name} makes no package URL`);
  }
  if (found === 0 && bytes.length > 0) problem('it has no packages');
}

function addPackage(
  each: ApkPackage,
  path: string,
  layer: number,
  distribution: Distribution | undefined,
  sink: InventorySink,
): boolean {
  const { name, version, architecture, origin, license } = each;
  const purl = purlOf({
    ...{ type: 'apk', namespace: distribution?.id ?? 'alpine', name, version },
    qualifiers: { arch: architecture, distro: distroQualifier(distribution) },
  });
  if (purl === undefined) return false;
  // Packages of one source have its version.
  const isOwnSource = origin === '' || origin === name;
  const owner = sink.addPackage({
    ...{ type: 'apk', name, version, purl, architecture, layer, location: path },
    sourceName: isOwnSource ? '' : origin,
    sourceVersion: isOwnSource ? '' : version,
    licenses: license === '' ? [] : [license],
    directories: [],
  });
  for (const file of each.files) {
    if (sink.exhausted) break;
    sink.addOwnedFile(owner, file.path, file.digest);
  }
  return true;
}

function* keysOf(bytes: Buffer): Generator<string> {
  for (const each of parseInstalled(bytes)) if (each !== undefined) yield keyOf(each);
}
