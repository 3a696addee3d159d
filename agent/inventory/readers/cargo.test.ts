import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { elfFile } from '../../../test/support/elf-file.ts';
import { readMemory } from '../../../test/support/memory-tree.ts';
import { cargoReader } from './cargo.ts';

const program = (packed: Buffer): { bytes: Buffer; mode: number } => ({
  bytes: elfFile([{ name: '.dep-v0', bytes: packed }]),
  mode: 0o755,
});
const audited = (packages: object[]): Buffer => deflateSync(JSON.stringify({ packages }));

test('crates of a program, its own first, without those that only built it', async () => {
  const { packages, evidence, problems } = await readMemory(cargoReader, [
    [
      '/usr/bin/tool',
      program(
        audited([
          { name: 'cc', version: '1.0.0', source: 'crates.io', kind: 'build' },
          { name: 'serde', version: '1.0.200', source: 'crates.io' },
          { name: 'tool', version: '0.3.0', source: 'local', root: true, dependencies: [1] },
        ]),
      ),
    ],
  ]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl }) => purl)).toEqual(['pkg:cargo/tool@0.3.0', 'pkg:cargo/serde@1.0.200']);
  expect(evidence.map(({ path }) => path)).toEqual(['/usr/bin/tool', '/usr/bin/tool']);
});

test('a bomb is refused, and what is no list is malformed', async () => {
  const { packages, problems } = await readMemory(cargoReader, [
    ['/bomb', program(deflateSync(Buffer.alloc(64 * 1024 * 1024)))],
    ['/text', program(deflateSync('hello'))],
    ['/raw', program(Buffer.from('hello'))],
    ['/list', program(audited([{ name: 1 }]))],
  ]);
  expect(packages).toEqual([]);
  expect(problems.map(({ path, code }) => [path, code])).toEqual([
    ['/bomb', 'too-large'],
    ['/text', 'malformed'],
    ['/raw', 'malformed'],
    ['/list', 'malformed'],
  ]);
});

test('a program that cargo-auditable built', async () => {
  const bytes = readFileSync('test/fixtures/inventory/pricer.elf');
  const { packages, problems } = await readMemory(cargoReader, [['/usr/bin/pricer', { bytes, mode: 0o755 }]]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl }) => purl)).toEqual([
    'pkg:cargo/pricer@0.4.2',
    'pkg:cargo/itoa@1.0.11',
    'pkg:cargo/memchr@2.7.4',
    'pkg:cargo/serde@1.0.203',
  ]);
});
