import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { readMemory } from '../../../test/support/memory-tree.ts';
import { pypiReader } from './pypi.ts';
import { readRecord } from './pypi-record.ts';

const site = '/usr/lib/python3/site-packages';
const digest = createHash('sha256').update('print()').digest();

test('a wheel: its files with their digests, and its directories', async () => {
  const { packages, owned, problems } = await readMemory(pypiReader, [
    [
      `${site}/zope.interface-6.4.dist-info/METADATA`,
      'Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 6.4\nLicense: ZPL 2.1\nClassifier: License :: OSI\n\nName: no\n',
    ],
    [
      `${site}/zope.interface-6.4.dist-info/RECORD`,
      `zope/interface/__init__.py,sha256=${digest.toString('base64url')},7\n../../../bin/tool,,\n"zope/a,b.py",md5=x,1\n`,
    ],
    [`${site}/zope/interface/__init__.py`, 'print()'],
  ]);
  expect(problems).toEqual([]);
  expect(packages).toHaveLength(1);
  expect(packages[0]).toMatchObject({
    name: 'zope-interface',
    purl: 'pkg:pypi/zope-interface@6.4',
    licenses: ['ZPL 2.1'],
    directories: [`${site}/zope.interface-6.4.dist-info`, `${site}/zope`],
  });
  expect(owned.map(({ path, digest: hash }) => [path, hash])).toEqual([
    [`${site}/zope.interface-6.4.dist-info/METADATA`, undefined],
    [`${site}/zope/interface/__init__.py`, `sha256:${digest.toString('hex')}`],
    ['/usr/bin/tool', undefined],
    [`${site}/zope/a,b.py`, undefined],
  ]);
});

test('eggs: as a directory with installed-files.txt, as one file, and zipped beside', async () => {
  const { packages, owned } = await readMemory(pypiReader, [
    [
      `${site}/old-1.0.egg-info/PKG-INFO`,
      'Name: old\nVersion: 1.0\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n',
    ],
    [`${site}/old-1.0.egg-info/installed-files.txt`, '../old/__init__.py\nPKG-INFO\n'],
    [`${site}/old-1.0.egg-info/top_level.txt`, 'old\nold_missing\n'],
    [`${site}/old/__init__.py`, ''],
    [`${site}/single-2.0.egg-info`, 'Name: single\nVersion: 2.0\n'],
    [`${site}/egg-3.0-py3.egg/EGG-INFO/PKG-INFO`, 'Name: egg\nVersion: 3.0\n'],
    [`${site}/Python-2.7.egg-info`, 'Name: Python\nVersion: 2.7\n'],
  ]);
  expect(packages.map(({ purl, licenses }) => [purl, licenses])).toEqual([
    ['pkg:pypi/old@1.0', ['MIT License']],
    ['pkg:pypi/single@2.0', []],
    ['pkg:pypi/egg@3.0', []],
  ]);
  expect(packages[0]?.directories).toEqual([`${site}/old-1.0.egg-info`, `${site}/old`]);
  expect(owned.map(({ path }) => path)).toContain(`${site}/old/__init__.py`);
});

test('an editable installation owns its source', async () => {
  const { packages } = await readMemory(pypiReader, [
    [`${site}/mine-0.1.dist-info/METADATA`, 'Name: mine\nVersion: 0.1\n'],
    [`${site}/mine-0.1.dist-info/direct_url.json`, '{"url":"file:///src/mine","dir_info":{"editable":true}}'],
    ['/src/mine/mine.py', ''],
    [`${site}/git-0.1.dist-info/METADATA`, 'Name: git\nVersion: 0.1\n'],
    [
      `${site}/git-0.1.dist-info/direct_url.json`,
      '{"url":"https://x.test/g","vcs_info":{"vcs":"git","commit_id":"abc"}}',
    ],
  ]);
  expect(packages[0]?.directories).toContain('/src/mine');
  expect(packages[1]?.purl).toBe('pkg:pypi/git@0.1?vcs_url=git%2Bhttps%3A%2F%2Fx.test%2Fg%40abc');
});

test('lines of RECORD that are none are counted', () => {
  expect(readRecord('a,b\n"open,x,y\nx.py,,\n', '/s')).toEqual({
    files: [{ path: '/s/x.py', digest: undefined }],
    malformedLines: 2,
  });
});
