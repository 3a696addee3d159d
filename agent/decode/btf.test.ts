import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLongHeader } from '../../test/support/long-btf.ts';
import { Btf, BtfKind } from './btf.ts';
import { elfSection } from './elf.ts';
import { checkLayouts, structLayout } from './layout.ts';

const source = `
typedef unsigned int __u32;
typedef unsigned long long __u64;
enum colour { RED = 1, BLUE = -2 };
struct inner { __u32 a; char text[6]; };
struct outer { __u64 first; struct inner one; struct inner many[2]; __u64 numbers[3]; unsigned short half; };
const struct outer example = {};
const enum colour shade = RED;
`;
let directory: string;
let object: Buffer;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-btf-'));
  writeFileSync(join(directory, 'a.c'), source);
  execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-c', join(directory, 'a.c'), '-o', join(directory, 'a.o')]);
  object = readFileSync(join(directory, 'a.o'));
});

afterAll(() => rmSync(directory, { recursive: true }));

describe('type information compiled by clang', () => {
  it('gives offsets, sizes, nested structs, arrays and enumerators', () => {
    const btf = Btf.parse(elfSection(object, '.BTF'));
    expect(structLayout(btf, 'outer')).toEqual({
      name: 'outer',
      size: 80,
      fields: [
        { name: 'first', offset: 0, size: 8, type: 'u64' },
        { name: 'one', offset: 8, size: 12, type: 'struct', struct: 'inner' },
        { name: 'many', offset: 20, size: 24, type: 'structs', struct: 'inner', length: 2 },
        { name: 'numbers', offset: 48, size: 24, type: 'u64s', length: 3 },
        { name: 'half', offset: 72, size: 2, type: 'u16' },
      ],
    });
    expect(btf.find(BtfKind.enum, 'colour')?.enumerators).toEqual([
      { name: 'RED', value: 1 },
      { name: 'BLUE', value: -2 },
    ]);
  });

  it('is compared with what the decoders were made for', () => {
    const btf = Btf.parse(elfSection(object, '.BTF'));
    const layout = structLayout(btf, 'inner');
    expect(() => checkLayouts(btf, [layout])).not.toThrow();
    const moved = { ...layout, fields: layout.fields.map((field) => ({ ...field, offset: field.offset + 4 })) };
    expect(() => checkLayouts(btf, [moved])).toThrow(
      expect.objectContaining({ code: 'LAYOUT_MISMATCH', message: expect.stringMatching(/struct inner .* a, text/) }),
    );
    expect(() => checkLayouts(btf, [{ ...layout, name: 'missing' }])).toThrow(
      expect.objectContaining({ code: 'LAYOUT_MISMATCH' }),
    );
  });
});

describe('a header longer than today’s', () => {
  it('changes nothing, however long', () => {
    const section = Buffer.from(elfSection(object, '.BTF'));
    for (const headerBytes of [32, 40, 4096])
      expect(Btf.parse(withLongHeader(section, headerBytes)).types).toEqual(Btf.parse(section).types);
  });

  it('is refused when it is shorter than a header or longer than the file', () => {
    for (const headerBytes of [0, 23, 1 << 20, 0xffffffff]) {
      const section = Buffer.from(elfSection(object, '.BTF'));
      section.writeUInt32LE(headerBytes, 4);
      expect(() => Btf.parse(section)).toThrow(expect.objectContaining({ code: 'BTF_INVALID' }));
    }
  });
});

describe('files that are no BPF object', () => {
  it('are refused with the section that was looked for', () => {
    for (const bytes of [new Uint8Array(), Buffer.from('#!/bin/sh\n'), object.subarray(0, 200)])
      expect(() => elfSection(bytes, '.BTF')).toThrow(
        expect.objectContaining({ code: 'BPF_OBJECT_INVALID', message: expect.stringContaining('.BTF') }),
      );
    expect(() => elfSection(object, '.nothing')).toThrow(expect.objectContaining({ code: 'BPF_OBJECT_INVALID' }));
  });

  it('are refused when their BTF is cut or no BTF', () => {
    const section = elfSection(object, '.BTF');
    for (const bytes of [new Uint8Array(4), section.subarray(0, 40), Buffer.alloc(64)])
      expect(() => Btf.parse(bytes)).toThrow(expect.objectContaining({ code: 'BTF_INVALID' }));
  });

  it('are refused for any other version, an unknown kind, a name without end', () => {
    const changed = (at: number, value: number): Buffer => {
      const section = Buffer.from(elfSection(object, '.BTF'));
      section[at] = value;
      return section;
    };
    const kindOfFirstType = 24 + 7;
    const section = Buffer.from(elfSection(object, '.BTF'));
    section.writeUInt32LE(section.readUInt32LE(20) - 1, 20);
    for (const bytes of [changed(2, 2), changed(kindOfFirstType, 31), section])
      expect(() => Btf.parse(bytes)).toThrow(expect.objectContaining({ code: 'BTF_INVALID' }));
  });

  it('are read or refused, whatever is in them', () => {
    const section = Buffer.from(elfSection(object, '.BTF'));
    const place = fc.nat({ max: Math.floor(section.length / 4) - 1 });
    const number = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.nat({ max: 64 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(place, number), { maxLength: 8 }), fc.nat(section.length), (edits, length) => {
        const bytes = Buffer.from(section);
        for (const [index, value] of edits) bytes.writeUInt32LE(value, index * 4);
        for (const cut of [bytes, bytes.subarray(0, length)]) readOrRefuse(cut);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Fails when something else is thrown than the one error that callers expect. */
function readOrRefuse(bytes: Uint8Array): void {
  try {
    const btf = Btf.parse(bytes);
    for (const type of btf.types) btf.resolve(type.id);
    checkLayouts(btf, [structLayout(btf, 'outer')]);
  } catch (error) {
    expect(['BTF_INVALID', 'LAYOUT_MISMATCH']).toContain((error as { code?: string }).code);
  }
}
