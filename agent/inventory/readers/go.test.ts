import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { elfFile } from '../../../test/support/elf-file.ts';
import { readMemory } from '../../../test/support/memory-tree.ts';
import { goReader } from './go.ts';

const program = readFileSync('test/fixtures/inventory/shopd.elf');
const purls = ['pkg:golang/example.org/team/shopd@v2.5.1', 'pkg:golang/github.com/google/uuid@v1.6.0'];

test('modules of a real program: main with its linked version, replaced ones, the standard library', async () => {
  const { packages, evidence, problems } = await readMemory(goReader, [
    ['/usr/local/bin/shopd', { bytes: program, mode: 0o755 }],
    ['/data/shopd', program],
  ]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl }) => purl)).toEqual([
    ...purls,
    'pkg:golang/github.com/golang/text@v0.41.0',
    'pkg:golang/rsc.io/quote@v1.5.2',
    'pkg:golang/rsc.io/sampler@v1.3.0',
    'pkg:golang/stdlib@1.26.8',
  ]);
  expect(packages[0]).toMatchObject({ name: 'example.org/team/shopd', architecture: 'amd64' });
  expect(evidence).toHaveLength(6);
  expect(new Set(evidence.map(({ path }) => path))).toEqual(new Set(['/usr/local/bin/shopd']));
});

test('a program without sections is found by its writable data', async () => {
  const stripped = Buffer.from(program);
  stripped.writeBigUInt64LE(0n, 40);
  stripped.writeUInt16LE(0, 60);
  const { packages } = await readMemory(goReader, [['/x', { bytes: stripped, mode: 0o755 }]]);
  expect(packages.slice(0, 2).map(({ purl }) => purl)).toEqual(purls);
});

test('build information with pointers, as before Go 1.18', async () => {
  const { packages, problems } = await readMemory(goReader, [['/x', { bytes: pointerProgram(), mode: 0o755 }]]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl }) => purl)).toEqual(['pkg:golang/old.test/m@v1.0.0', 'pkg:golang/stdlib@1.15.2']);
});

test('build information that is cut off is a problem', async () => {
  const cut = elfFile([{ name: '.go.buildinfo', bytes: infoOf(program).subarray(0, 60) }]);
  const { packages, problems } = await readMemory(goReader, [['/x', { bytes: cut, mode: 0o755 }]]);
  expect(packages).toEqual([]);
  expect(problems.map(({ code }) => code)).toEqual(['malformed']);
});

function infoOf(elf: Buffer): Buffer {
  return elf.subarray(elf.indexOf('\xff Go buildinf:', 0, 'latin1'));
}

/** The real program's segment, filled with two Go strings and the header that points to them. */
function pointerProgram(): Buffer {
  const bytes = Buffer.from(program);
  const at = Number(bytes.readBigUInt64LE(64 + 8));
  const address = Number(bytes.readBigUInt64LE(64 + 16));
  const version = 'go1.15.2';
  const modules = `${'s'.repeat(16)}path\told.test/m\nmod\told.test/m\tv1.0.0\th1:x\n${'e'.repeat(16)}`;
  bytes[at + 15] = 0;
  bytes[at + 14] = 8;
  const string = (slot: number, textAt: number, text: string): void => {
    bytes.writeBigUInt64LE(BigInt(address + slot), at + 16 + (slot === 32 ? 0 : 8));
    bytes.writeBigUInt64LE(BigInt(address + textAt), at + slot);
    bytes.writeBigUInt64LE(BigInt(text.length), at + slot + 8);
    bytes.write(text, at + textAt, 'latin1');
  };
  string(32, 64, version);
  string(48, 96, modules);
  return bytes;
}
