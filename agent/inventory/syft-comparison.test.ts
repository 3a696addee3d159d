import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Inventory, InventoryPackage } from '../../common/inventory.ts';
import { toCycloneDx } from '../../common/sbom-export/cyclonedx.ts';
import { toSpdx } from '../../common/sbom-export/spdx.ts';
import { syftTypes } from '../../common/sbom-export/subject.ts';
import { reduceSyft, type SyftDocument, type SyftList } from '../../test/fixtures/inventory/reduce-syft.ts';
import { runInventory } from './inventory.ts';

/** A real syft to ask instead of reading what it once said. */
const syftProgram = process.env.TALLYMAN_SYFT;
const outputOptions = { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 } as const;
const fixtures = 'test/fixtures/inventory';
/** What only syft lists, and why Tallyman does not. Each must occur. */
const onlySyft: Readonly<Record<string, readonly (readonly [why: string, what: RegExp])[]>> = {
  debian: [],
  application: [
    [
      'package.json among the tests of a package is material of tests, nothing that was installed',
      /^npm .* \/srv\/app\/node_modules\/resolve\/test\//,
    ],
  ],
  archives: [],
};

/** A package as syft writes it: the version of Go's standard library is the one of its compiler, and none is UNKNOWN. */
function asSyft({ type, name, version, location }: InventoryPackage): string {
  const spelled = type === 'golang' && name === 'stdlib' ? `go${version}` : version;
  return `${syftTypes[type]} ${name} ${spelled || 'UNKNOWN'} ${location}`;
}

for (const [tree, explained] of Object.entries(onlySyft))
  test(`the packages of ${tree} are those that syft lists, but for what is explained`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tallyman-syft-'));
    try {
      execFileSync('tar', ['-xzf', join(fixtures, `${tree}.tar.gz`), '-C', directory]);
      const inventory = await runInventory({ layers: [{ directory, digest: '' }], cpuShare: 1 });
      const { packages, problems } = inventory;
      // Lists of files are not in these trees.
      expect(problems.filter(({ reader, path }) => reader !== 'dpkg' || !path.endsWith('.list'))).toEqual([]);
      const syft = new Set(listOf(tree, directory).packages);
      const own = new Set(packages.map(asSyft));
      expect([...own].filter((line) => !syft.has(line))).toEqual([]);
      const missing = [...syft].filter((line) => !own.has(line));
      expect(missing.filter((line) => !explained.some(([, what]) => what.test(line)))).toEqual([]);
      for (const [why, what] of explained)
        expect(
          missing.some((line) => what.test(line)),
          why,
        ).toBe(true);
      expect(syft.size).toBeGreaterThan(100);
      if (syftProgram !== undefined) expectReadBack(syftProgram, inventory, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

/** As it was written down; where TALLYMAN_SYFT names a syft program, as that one says now. */
function listOf(tree: string, directory: string): SyftList {
  if (syftProgram === undefined)
    return JSON.parse(readFileSync(join(fixtures, `${tree}.syft.json`), 'utf8')) as SyftList;
  const output = ['-q', '--override-default-catalogers', 'image', '-o', 'json'];
  return reduceSyft(execFileSync(syftProgram, ['scan', `dir:${directory}`, ...output], outputOptions));
}

/** What syft makes of both exports: the same packages, with the same package URLs. */
function expectReadBack(syft: string, inventory: Inventory, directory: string): void {
  const subject = { name: 'app', digest: undefined, createdAt: '2026-01-02T03:04:05Z', toolVersion: '0.1.0' };
  const own = inventory.packages.map(({ type, name, version }) => `${syftTypes[type]} ${name} ${version}`).toSorted();
  for (const document of [toCycloneDx(inventory, subject), toSpdx(inventory, subject)]) {
    const path = join(directory, 'exported.json');
    writeFileSync(path, JSON.stringify(document));
    const read = JSON.parse(execFileSync(syft, ['convert', path, '-q', '-o', 'json'], outputOptions)) as SyftDocument;
    expect(read.artifacts.map(({ type, name, version }) => `${type} ${name} ${version}`).toSorted()).toEqual(own);
  }
}
