import type { Distribution } from '../../../common/inventory.ts';
import type { ImageTree, InventorySink, PackageReader } from '../image-tree.ts';
import { readDistribution } from '../os-release.ts';
import { layersOfPackages } from '../package-layers.ts';
import { problemOf } from '../problem-of.ts';
import { distroQualifier, purlOf } from '../purl.ts';
import { headersOfBerkeley } from './rpm/berkeley.ts';
import { headersOfNdb } from './rpm/ndb.ts';
import { fullVersionOf, keyOf, parsePackage, type RpmPackage } from './rpm/package.ts';
import { bytesOf, type ReadBytes } from './rpm/pages.ts';
import { headersOfSqlite } from './rpm/sqlite.ts';

const reader = 'rpm';
/** Of distributions, of those that keep /var apart, and of ostree. */
const folders = ['/var/lib/rpm', '/usr/lib/sysimage/rpm', '/usr/share/rpm'];
/** In the order in which rpm itself would use them; the last is Berkeley DB. */
const databases = ['rpmdb.sqlite', 'Packages.db', 'Packages'];
/** For telling layers apart a database is read as a whole. */
const maxWholeBytes = 128 * 1024 * 1024;
/** Keys for signatures that rpm keeps as packages. */
const keyPackage = 'gpg-pubkey';
const namespaces: Record<string, string> = { rhel: 'redhat' };

/**
 * Packages of Fedora, RHEL, SUSE and what derives from them.
 * @see https://rpm-software-management.github.io/rpm/manual/ (database backends: sqlite, ndb, bdb)
 */
export const rpmReader: PackageReader = {
  name: reader,
  wants: () => false,
  read(tree, _wanted, sink) {
    const found = new Set<string>();
    for (const folder of folders) {
      const entries = databases.map((name) => tree.resolve(`${folder}/${name}`));
      const path = entries.find((entry) => entry?.kind === 'file')?.path;
      if (path !== undefined) found.add(path);
    }
    const distribution = found.size === 0 ? undefined : readDistribution(tree);
    for (const path of found) readDatabase(tree, path, distribution, sink);
  },
};

function readDatabase(
  tree: ImageTree,
  path: string,
  distribution: Distribution | undefined,
  sink: InventorySink,
): void {
  const problem = (code: string, reason: string): void => sink.addProblem({ reader, path, code, reason });
  const layerOf = layersOfPackages(tree, sink, {
    ...{ reader, path, maxBytes: maxWholeBytes },
    keysOf: (bytes) => keysOf(path, bytes),
  });
  const read: ReadBytes = (offset, length) => tree.readRange(path, offset, length);
  const wal = tree.resolve(`${path}-wal`)?.kind === 'file' ? `${path}-wal` : undefined;
  const readWal = wal && ((offset: number, length: number) => tree.readRange(wal, offset, length));
  let found = 0;
  try {
    for (const blob of headersOf(path, read, readWal || undefined)) {
      if (sink.exhausted) return;
      found++;
      const each = parsePackage(blob);
      if (each === undefined) problem('malformed', 'it has a header that cannot be read: a package is missing');
      else if (each.name !== keyPackage) addPackage(each, path, layerOf(keyOf(each)), distribution, sink);
    }
    if (found === 0) problem('malformed', 'it has no packages');
  } catch (error) {
    sink.addProblem(problemOf(reader, path, error, 'packages are missing'));
  }
}

function headersOf(path: string, read: ReadBytes, readWal?: ReadBytes): Generator<Buffer> {
  if (path.endsWith('.sqlite')) return headersOfSqlite(read, readWal);
  return path.endsWith('.db') ? headersOfNdb(read) : headersOfBerkeley(read);
}

function* keysOf(path: string, bytes: Buffer): Generator<string> {
  for (const blob of headersOf(path, bytesOf(bytes))) {
    const each = parsePackage(blob);
    if (each !== undefined) yield keyOf(each);
  }
}

function addPackage(
  each: RpmPackage,
  path: string,
  layer: number,
  distribution: Distribution | undefined,
  sink: InventorySink,
): void {
  const { name, version, release, epoch, architecture, license, modularityLabel } = each;
  const problem = (reason: string): void => sink.addProblem({ reader, path, code: 'malformed', reason });
  const id = distribution?.id ?? '';
  const purl = purlOf({
    ...{ type: 'rpm', namespace: namespaces[id] ?? id, name },
    version: release === '' ? version : `${version}-${release}`,
    qualifiers: {
      ...{ arch: architecture, distro: distroQualifier(distribution), rpmmod: modularityLabel },
      epoch: epoch === 0 ? '' : String(epoch),
    },
  });
  if (purl === undefined) {
    problem(`${name} makes no package URL`);
    return;
  }
  const owner = sink.addPackage({
    ...{ type: 'rpm', name, version: fullVersionOf(each), purl, architecture, ...sourceOf(each), layer },
    ...{ location: path, licenses: license === '' ? [] : [license], directories: [] },
  });
  if (each.files === undefined) problem(`the list of files of ${name} contradicts itself: it is left out`);
  for (const file of each.files ?? []) {
    if (sink.exhausted) return;
    sink.addOwnedFile(owner, file.path, file.digest);
  }
}

/** From the file name of the source package; "" where that is the package's own name and version. */
function sourceOf({ name, version, release, sourceRpm }: RpmPackage): { sourceName: string; sourceVersion: string } {
  const [, sourceName = '', ...versions] = /^(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm$/.exec(sourceRpm) ?? [];
  const sourceVersion = versions.join('-');
  const isOwn = sourceName === name && sourceVersion === `${version}-${release}`;
  return isOwn ? { sourceName: '', sourceVersion: '' } : { sourceName, sourceVersion };
}
