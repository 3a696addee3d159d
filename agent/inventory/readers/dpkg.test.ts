import { expect, test } from 'vitest';
import { inventoryOf } from '../../../test/support/inventory-of.ts';
import { dpkgReader } from './dpkg.ts';

const folder = 'var/lib/dpkg';
const stanza = (name: string, more = '', state = 'install ok installed'): string =>
  `Package: ${name}\nStatus: ${state}\nArchitecture: amd64\nVersion: 1.0\n${more}`;
const read = (...layers: Parameters<typeof inventoryOf>[0]) => inventoryOf(layers, [dpkgReader]);

test('only what is installed is a package', async () => {
  const { packages, problems } = await read({
    [`${folder}/status`]: [
      stanza('here'),
      stanza('held', '', 'hold ok installed'),
      stanza('gone', 'Conffiles:\n /etc/gone.conf 0123456789abcdef0123456789abcdef\n', 'deinstall ok config-files'),
      stanza('never', '', 'unknown ok not-installed'),
      stanza('broken', '', 'install ok unpacked'),
    ].join('\n'),
    [`${folder}/info/here.list`]: '',
    [`${folder}/info/held.list`]: '',
  });
  expect(packages.map(({ name }) => name)).toEqual(['here', 'held']);
  expect(problems).toEqual([
    expect.objectContaining({ code: 'unsupported', reason: expect.stringContaining('broken') }),
  ]);
});

test('a diverted file belongs to the package that diverts, the other one to where it was moved', async () => {
  const { owners } = await read({
    [`${folder}/status`]: `${stanza('dash')}\n${stanza('bash')}\n${stanza('hooks')}`,
    [`${folder}/diversions`]: '/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n/sbin/tool\n/sbin/tool.real\n:\n',
    [`${folder}/info/dash.list`]: '/usr/bin\n/usr/bin/sh\n',
    [`${folder}/info/bash.list`]: '/usr/bin\n/usr/bin/sh\n',
    [`${folder}/info/hooks.list`]: '/sbin\n/sbin/tool\n',
    'usr/bin/sh': '',
    'usr/bin/sh.distrib': '',
    'sbin/tool': '',
    'sbin/tool.real': '',
  });
  expect(owners).toEqual({ '/usr/bin/sh': 'dash', '/usr/bin/sh.distrib': 'bash', '/sbin/tool.real': 'hooks' });
});

test('a link that stands for a directory of many packages belongs to none of them', async () => {
  const { owners } = await read({
    [`${folder}/status`]: `${stanza('a')}\n${stanza('base')}`,
    [`${folder}/info/a.list`]: '/.\n/lib\n/lib/a.so\n',
    [`${folder}/info/base.list`]: '/.\n/lib\n',
    lib: { link: 'usr/lib' },
    'usr/lib/a.so': '',
  });
  expect(owners).toEqual({ '/lib': 'base', '/usr/lib/a.so': 'a' });
});

test('distroless images have a stanza and digests for each package, and no lists', async () => {
  const { packages, files, problems } = await read({
    'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
    [`${folder}/status.d/base`]: 'Package: base-files\nVersion: 12.4+deb12u5\nArchitecture: amd64\n',
    [`${folder}/status.d/base.md5sums`]: `${'a'.repeat(32)}  etc/debian_version\n`,
    [`${folder}/status.d/libc6`]: 'Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n',
    'etc/debian_version': '12.5',
  });
  expect(packages.map(({ name, sourceName, location }) => [name, sourceName, location]).sort()).toEqual([
    ['base-files', '', '/var/lib/dpkg/status.d/base'],
    ['libc6', 'glibc', '/var/lib/dpkg/status.d/libc6'],
  ]);
  expect(files.get('/etc/debian_version')?.declaredDigest).toBe(`md5:${'a'.repeat(32)}`);
  expect(problems).toEqual([]);
});

test('licences come from copyright files that a machine can read', async () => {
  const { packages } = await read({
    [`${folder}/status`]: `${stanza('a')}\n${stanza('b')}`,
    [`${folder}/info/a.list`]: '',
    [`${folder}/info/b.list`]: '',
    'usr/share/doc/a/copyright':
      'Format: https://x/\nFiles: *\nLicense: GPL-2+\n text\n\nLicense: Expat\n\nLicense: GPL-2+\n',
    'usr/share/doc/b/copyright': 'It is free.\nLicense: yes\n',
  });
  expect(packages.map(({ licenses }) => licenses)).toEqual([['GPL-2+', 'Expat'], []]);
});

test('what is damaged is told, and the rest is read', async () => {
  const { packages, problems } = await read({
    [`${folder}/status`]: `Nonsense\n\nPackage: ../../etc\nVersion: 1\n\n${stanza('good')}`,
    [`${folder}/diversions`]: '/a\n/b\n',
  });
  expect(packages.map(({ name }) => name)).toEqual(['good']);
  expect(problems.map(({ path, code }) => [path, code])).toEqual([
    ['/var/lib/dpkg/diversions', 'malformed'],
    ['/var/lib/dpkg/status', 'malformed'],
    ['/var/lib/dpkg/info/good.list', 'unreadable'],
  ]);
});

test('a database that is a FIFO or leads out of the image is not opened', async () => {
  const { packages } = await read({ [`${folder}/status`]: { link: '/../../../../../../var/lib/dpkg/status' } });
  expect(packages).toEqual([]);
});
