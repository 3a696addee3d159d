import { expect, test } from 'vitest';
import { inventoryOf } from '../../../test/support/inventory-of.ts';
import { apkReader } from './apk.ts';

const busybox = `C:Q1abc=
P:busybox
V:1.36.1-r5
A:x86_64
S:508000
o:busybox
L:GPL-2.0-only
T:Size optimized toolbox
F:bin
R:busybox
a:0:0:755
Z:Q1qqqqqqqqqqqqqqqqqqqqqqqqqqo=
R:sh
a:0:0:777
Z:Q1pcfTfDNEbNKQc2s1tia7da05M8Q=
F:etc
M:0:0:755

C:Q1def=
P:busybox-binsh
V:1.36.1-r5
A:x86_64
o:busybox
L:GPL-2.0-only
F:
R:root-file

P:.build-deps
V:20240101.000000
A:noarch
S:0
T:virtual meta package

`;

test.each(['lib/apk/db/installed', 'usr/lib/apk/db/installed'])('packages and files of %s', async (path) => {
  const { packages, files, owners, problems } = await inventoryOf(
    [
      {
        'etc/os-release': 'ID=alpine\nVERSION_ID=3.19.1\n',
        [path]: busybox,
        'bin/busybox': 'elf',
        'bin/sh': { link: '/bin/busybox' },
        'root-file': '',
      },
    ],
    [apkReader],
  );
  expect(problems).toEqual([]);
  expect(packages.map(({ purl }) => purl)).toEqual([
    'pkg:apk/alpine/busybox@1.36.1-r5?arch=x86_64&distro=alpine-3.19.1',
    'pkg:apk/alpine/busybox-binsh@1.36.1-r5?arch=x86_64&distro=alpine-3.19.1',
  ]);
  expect(packages.map(({ sourceName, licenses }) => [sourceName, ...licenses])).toEqual([
    ['', 'GPL-2.0-only'],
    ['busybox', 'GPL-2.0-only'],
  ]);
  expect(owners).toEqual({ '/bin/busybox': 'busybox', '/bin/sh': 'busybox', '/root-file': 'busybox-binsh' });
  expect(files.get('/bin/busybox')?.declaredDigest).toBe(`sha1:${'aa'.repeat(20)}`);
});

test('two places that are one file are read once', async () => {
  const { packages } = await inventoryOf(
    [{ 'usr/lib/apk/db/installed': busybox, lib: { link: 'usr/lib' } }],
    [apkReader],
  );
  expect(packages).toHaveLength(2);
});
