import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PackageReader } from '../../agent/inventory/image-tree.ts';
import { apkReader } from '../../agent/inventory/readers/apk.ts';
import { dpkgReader } from '../../agent/inventory/readers/dpkg.ts';
import { bytesOf } from '../../agent/inventory/readers/rpm/pages.ts';
import { headersOfSqlite } from '../../agent/inventory/readers/rpm/sqlite.ts';
import { rpmReader } from '../../agent/inventory/readers/rpm.ts';
import { takeInventory } from '../../agent/inventory/take-inventory.ts';
import { makeLayers, treeOf, unhurried } from '../support/layer-directory.ts';
import { ndbOf, rpmFixture } from '../support/rpm-fixtures.ts';
import { mutatedBytes, mutationRuns } from './mutations.ts';

const status = Buffer.from(
  ['bash', 'libc6', 'tool']
    .map(
      (name) =>
        `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1:2.3-4+b1\nSource: ${name}-src (1:2.3-4)\nConffiles:\n /etc/${name} 0123456789abcdef0123456789abcdef\nDescription: text\n more\n .\n`,
    )
    .join('\n'),
);
const list = Buffer.from('/.\n/usr\n/usr/bin\n/usr/bin/bash\n/etc\n/etc/bash\n');
const md5sums = Buffer.from(`${'a'.repeat(32)}  usr/bin/bash\n${'b'.repeat(32)}  usr/share/x y\n`);
const diversions = Buffer.from('/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n/usr/bin/bash\n/usr/bin/bash.real\n:\n');
const installed = Buffer.from(
  'P:busybox\nV:1.36.1-r5\nA:x86_64\no:busybox\nL:GPL-2.0-only\nF:usr/bin\nR:bash\na:0:0:755\nZ:Q1pcfTfDNEbNKQc2s1tia7da05M8Q=\n\nP:musl\nV:1.2\nA:x86_64\nF:lib\nR:ld\n\n',
);
const release = Buffer.from('ID=debian\nVERSION_ID="12"\nID_LIKE=\'a b\'\nPRETTY_NAME="Debian \\"12\\""\n');
const sqlite = rpmFixture('sqlite/rpmdb.sqlite.gz');
const headers = [...headersOfSqlite(bytesOf(sqlite), undefined)];

/** Where each input lies, the reader that takes it, and how many packages the whole one has. */
const inputs: [path: string, whole: Buffer, reader: PackageReader, packages: number][] = [
  ['var/lib/dpkg/status', status, dpkgReader, 3],
  ['var/lib/dpkg/info/bash.list', list, dpkgReader, 3],
  ['var/lib/dpkg/info/bash.md5sums', md5sums, dpkgReader, 3],
  ['var/lib/dpkg/diversions', diversions, dpkgReader, 3],
  ['etc/os-release', release, dpkgReader, 3],
  ['lib/apk/db/installed', installed, apkReader, 2],
  ['var/lib/rpm/rpmdb.sqlite', sqlite, rpmReader, 3],
  ['usr/lib/sysimage/rpm/Packages.db', ndbOf(headers), rpmReader, 3],
  ['usr/share/rpm/Packages', rpmFixture('berkeley/Packages.gz'), rpmReader, 1],
];

async function read(files: [string, Buffer][], reader: PackageReader) {
  const made = makeLayers(Object.fromEntries([['usr/bin/bash', 'x'], ['etc/bash', 'x'], ...files]));
  const tree = treeOf(made.directories);
  try {
    const { packages, problems, files: listed } = await takeInventory(tree, unhurried(), [reader]);
    return { packages, problems, files: [...listed()] };
  } finally {
    tree.close();
    made.remove();
  }
}

test.each(inputs)('damage to %s is told or leaves packages that are whole', async (path, whole, reader, count) => {
  const others = inputs.filter((each) => each[2] === dpkgReader && reader === dpkgReader && each[0] !== path);
  const around = others.map(([at, bytes]): [string, Buffer] => [at, bytes]);
  // The whole input is read whole: else nothing would be tested.
  expect((await read([...around, [path, whole]], reader)).packages).toHaveLength(count);
  await fc.assert(
    fc.asyncProperty(mutatedBytes(whole), async (damaged) => {
      const { packages, problems, files } = await read([...around, [path, damaged]], reader);
      // An empty answer is never silent, but for a database that is empty.
      if (packages.length === 0 && damaged.length > 0) expect(problems.length).toBeGreaterThan(0);
      for (const each of packages) {
        expect(each.purl).toMatch(/^pkg:(deb|apk|rpm)\//);
        expect(each.name).not.toBe('');
        expect(each.version).not.toBe('');
      }
      for (const file of files) {
        expect(file.path.startsWith('/')).toBe(true);
        expect(file.path).not.toContain('/../');
        for (const owner of file.owners) expect(packages[owner]).toBeDefined();
      }
      for (const problem of problems) expect(problem.reason).not.toMatch(/undefined|NaN|is not a function|Cannot read/);
    }),
    { numRuns: mutationRuns },
  );
});
