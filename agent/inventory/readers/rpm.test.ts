import { expect, test } from 'vitest';
import { inventoryOf } from '../../../test/support/inventory-of.ts';
import type { LayerItem } from '../../../test/support/layer-directory.ts';
import { ndbOf, rpmFixture, rpmTable } from '../../../test/support/rpm-fixtures.ts';
import { bytesOf } from './rpm/pages.ts';
import { headersOfSqlite } from './rpm/sqlite.ts';
import { rpmReader } from './rpm.ts';

const sqlite = rpmFixture('sqlite/rpmdb.sqlite.gz');
const ndb = ndbOf([...headersOfSqlite(bytesOf(sqlite), undefined)]);
const release = { 'etc/os-release': 'ID=fedora\nVERSION_ID=39\n' };
/** Path, package, digest: as rpm tells them. */
const listed = rpmTable('sqlite/files.tsv');
const isDirectory = (path: string): boolean => listed.some(([other = '']) => other.startsWith(`${path}/`));
const onDisk: Record<string, LayerItem> = Object.fromEntries(
  listed
    .filter(([path = '']) => !isDirectory(path))
    .map(([path = '']) => [path.slice(1), path.endsWith('-link') ? { link: 'x' } : '']),
);

test.each([
  ['var/lib/rpm/rpmdb.sqlite', sqlite],
  ['usr/lib/sysimage/rpm/rpmdb.sqlite', sqlite],
  ['usr/lib/sysimage/rpm/Packages.db', ndb],
])('%s tells the packages and files that rpm tells', async (path, database) => {
  const { packages, files, problems, owners } = await inventoryOf(
    [{ ...release, ...onDisk, [path]: database }],
    [rpmReader],
  );
  expect(problems).toEqual([]);
  const told = packages.map(({ name, version, architecture, licenses }) => [name, version, architecture, ...licenses]);
  const expected = rpmTable('sqlite/packages.tsv').map(([name, epoch, version, architecture, , license]) => [
    ...[name, epoch === '0' ? version : `${epoch}:${version}`, architecture, license],
  ]);
  expect(told.sort()).toEqual(expected);
  for (const [filePath = '', name, digest = ''] of listed) {
    if (files.get(filePath) === undefined) continue;
    expect([filePath, owners[filePath]]).toEqual([filePath, name]);
    expect(files.get(filePath)?.declaredDigest).toBe(digest === '' ? '' : `sha256:${digest}`);
  }
  expect(Object.keys(owners).length).toBeGreaterThan(100);
});

test('epoch, source package and module are told', async () => {
  const { packages } = await inventoryOf([{ ...release, 'var/lib/rpm/rpmdb.sqlite': sqlite }], [rpmReader]);
  const byName = new Map(packages.map((each) => [each.name, each]));
  expect(byName.get('beta-libs')).toMatchObject({
    ...{ sourceName: 'beta', sourceVersion: '2.0~rc1-3.tm1', version: '4:2.0~rc1-3.tm1' },
    purl: 'pkg:rpm/fedora/beta-libs@2.0~rc1-3.tm1?arch=noarch&distro=fedora-39&epoch=4',
  });
  expect(byName.get('alpha')).toMatchObject({ sourceName: '' });
  expect(byName.get('gamma')?.purl).toContain('rpmmod=gamma%3A18%3A8090020240101%3Aabcd1234');
});

test('a database of Berkeley DB is read', async () => {
  const { packages, problems } = await inventoryOf(
    [{ 'var/lib/rpm/Packages': rpmFixture('berkeley/Packages.gz') }],
    [rpmReader],
  );
  expect(problems).toEqual([]);
  expect(packages).toMatchObject([{ name: 'libuuid', version: '2.32.1-42.el8_8', architecture: 'x86_64' }]);
});

test('the layer of a package is the lowest one that has it', async () => {
  const headers = [...headersOfSqlite(bytesOf(sqlite), undefined)];
  const path = 'usr/lib/sysimage/rpm/Packages.db';
  const { packages } = await inventoryOf(
    [{ [path]: ndbOf(headers.slice(0, 1)) }, { other: '' }, { [path]: ndbOf(headers) }],
    [rpmReader],
  );
  expect(packages.map(({ layer }) => layer)).toEqual([0, 2, 2]);
});

test('what is no database is told as such', async () => {
  const { problems } = await inventoryOf(
    [{ 'var/lib/rpm/rpmdb.sqlite': 'SQLite format 3\0', 'usr/lib/sysimage/rpm/Packages.db': Buffer.alloc(5_000) }],
    [rpmReader],
  );
  expect(problems.map(({ path, code }) => [path, code])).toEqual([
    ['/var/lib/rpm/rpmdb.sqlite', 'malformed'],
    ['/usr/lib/sysimage/rpm/Packages.db', 'malformed'],
  ]);
});
