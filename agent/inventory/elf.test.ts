import { expect, test } from 'vitest';
import { elfFile } from '../../test/support/elf-file.ts';
import { type ReadRange, readElf, sectionBytes } from './elf.ts';

const rangesOf =
  (bytes: Buffer): ReadRange =>
  (offset, length) =>
    bytes.subarray(offset, offset + length);

for (const is64 of [true, false])
  for (const isLittleEndian of [true, false])
    test(`sections of ${is64 ? 64 : 32} bits, ${isLittleEndian ? 'little' : 'big'} end first`, () => {
      const read = rangesOf(elfFile([{ name: '.dep-v0', bytes: Buffer.from('abc') }], { is64, isLittleEndian }));
      const elf = readElf(read)!;
      expect(elf.sections.map(({ name }) => name)).toEqual(['', '.dep-v0', '.shstrtab']);
      expect(sectionBytes(read, elf, '.dep-v0', 3)?.toString()).toBe('abc');
      expect(sectionBytes(read, elf, '.other', 3)).toBeUndefined();
      expect(() => sectionBytes(read, elf, '.dep-v0', 2)).toThrow('larger than 2 bytes');
    });

test('what is no ELF file, and what is one and broken', () => {
  expect(readElf(rangesOf(Buffer.from('#!/bin/sh\n')))).toBeUndefined();
  const bytes = elfFile([]);
  expect(() => readElf(rangesOf(bytes.subarray(0, bytes.length - 1)))).toThrow('section table reaches behind its end');
  bytes[4] = 9;
  expect(() => readElf(rangesOf(bytes))).toThrow('class is unknown');
});

test('a table of sections that is too long is refused before it is read', () => {
  const bytes = elfFile([]);
  bytes.writeUInt16LE(0xfeff, 60);
  expect(() => readElf(rangesOf(bytes))).toThrow('more than 8192 sections');
});
