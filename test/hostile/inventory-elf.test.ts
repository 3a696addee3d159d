import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { test } from 'vitest';
import { cargoReader } from '../../agent/inventory/readers/cargo.ts';
import { goReader } from '../../agent/inventory/readers/go.ts';
import { elfFile } from '../support/elf-file.ts';
import { expectSturdy } from './inventory-lab.ts';
import { mutatedBytes } from './mutations.ts';

const goProgram = readFileSync('test/fixtures/inventory/shopd.elf');
const crates = (name: string): Buffer =>
  deflateSync(JSON.stringify({ packages: [{ name, version: '1.0.0', source: 'crates.io', root: true }] }));
const rustProgram = (packed: Buffer): Buffer => elfFile([{ name: '.dep-v0', bytes: packed }]);
const executable = (bytes: Buffer): { bytes: Buffer; mode: number } => ({ bytes, mode: 0o755 });

test('Go programs in any shape', () =>
  expectSturdy(
    goReader,
    goProgram,
    (mutated) => [
      ['/bin/a', executable(mutated)],
      ['/bin/sound', executable(goProgram)],
    ],
    'pkg:golang/github.com/google/uuid@v1.6.0',
  ));

test('Go build information in any shape', () => {
  const start = goProgram.indexOf('\xff Go buildinf:', 0, 'latin1');
  return expectSturdy(
    goReader,
    goProgram.subarray(start),
    (mutated) => [
      ['/bin/a', executable(elfFile([{ name: '.go.buildinfo', bytes: mutated }]))],
      ['/bin/sound', executable(goProgram)],
    ],
    'pkg:golang/github.com/google/uuid@v1.6.0',
  );
});

for (const is64 of [true, false])
  test(`headers of ELF files of ${is64 ? 64 : 32} bits in any shape`, () => {
    const small = elfFile([{ name: '.dep-v0', bytes: crates('small') }], { is64, isLittleEndian: is64 });
    return expectSturdy(
      cargoReader,
      small,
      (mutated) => [
        ['/bin/a', executable(mutated)],
        ['/bin/sound', executable(rustProgram(crates('sound')))],
      ],
      'pkg:cargo/sound@1.0.0',
    );
  });

test('lists of crates in any shape, packed well and badly', () =>
  expectSturdy(
    cargoReader,
    crates('sound'),
    (mutated) => [
      ['/bin/a', executable(rustProgram(mutated))],
      ['/bin/b', executable(rustProgram(deflateSync(mutated)))],
      ['/bin/sound', executable(rustProgram(crates('sound')))],
    ],
    'pkg:cargo/sound@1.0.0',
    mutatedBytes,
  ));
