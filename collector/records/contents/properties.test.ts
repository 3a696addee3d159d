import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Component, Ownership } from '../papers.ts';
import type { ContentFile, Contents, UsrMerge } from './contents.ts';
import { ContentsStore } from './contents-store.ts';
import { encodeContentsNow } from './encode.ts';
import { followLinks } from './links.ts';
import { type ContentsTable, ownerOf } from './owner-rules.ts';
import { packageKey } from './package-chunk.ts';

const part = fc.constantFrom(
  'usr',
  'bin',
  'lib',
  'a',
  'b',
  'node_modules',
  '@s',
  'ü',
  '𝒳',
  'with space',
  '..b',
  'x'.repeat(40),
);
const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
const layer = fc.constantFrom('', `sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`);
const digest = fc.oneof(
  fc.constant(''),
  ...(
    [
      ['md5', 32],
      ['sha1', 40],
      ['sha256', 64],
      ['sha512', 128],
    ] as const
  ).map(([name, length]) =>
    fc
      .string({ unit: fc.constantFrom(...'123abcdef'), minLength: length, maxLength: length })
      .map((hex) => `${name}:${hex}`),
  ),
);
const link = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: path },
  { weight: 1, arbitrary: fc.constantFrom('../bin', 'b', '..', '/', 'usr/lib') },
);

const componentOf = fc.record({
  purl: fc.constantFrom('', 'pkg:deb/debian/a@1', 'pkg:npm/b@2'),
  name: fc.string({ maxLength: 5 }),
  version: fc.constantFrom('', '1', '2'),
  type: fc.constantFrom('deb', 'npm', 'pypi', 'golang'),
  sourceName: fc.constantFrom(undefined, 'src'),
  sourceVersion: fc.constantFrom(undefined, '9'),
  layerDigest: layer.map((text) => text || undefined),
  architecture: fc.constantFrom(undefined, 'amd64'),
  licenses: fc.constantFrom([], ['MIT']),
  location: fc.oneof(fc.constant(undefined), path),
});

/** Contents of any kind, each package once. */
const contents: fc.Arbitrary<Contents> = fc
  .uniqueArray(componentOf, { maxLength: 12, selector: (component) => packageKey(component) })
  .chain((components) => {
    const number =
      components.length === 0
        ? fc.constant([] as number[])
        : fc.uniqueArray(fc.nat(components.length - 1), { maxLength: 3 });
    const file = fc.record({
      ...{ path, owners: number, evidenceOf: number, layerDigest: layer, linkTarget: link, digest },
      mode: fc.oneof(fc.constant(undefined), fc.nat(0o7777)),
    });
    return fc.record({
      source: fc.constantFrom('sbom' as const, 'inventory' as const),
      listsAllFiles: fc.boolean(),
      usrMerge: fc.constantFrom<UsrMerge>('links', 'known', 'likely', 'no'),
      incomplete: fc.constantFrom('', 'cut'),
      components: fc.constant<readonly Component[]>(components),
      files: fc.uniqueArray(file, { maxLength: 200, selector: (found) => found.path }),
      directories: fc
        .array(fc.tuple(number, fc.array(path, { maxLength: 2 })), { maxLength: 4 })
        .map(
          (rows) => new Map(rows.flatMap(([numbers, paths]) => numbers.map((owner) => [owner, [...new Set(paths)]]))),
        ),
      distributors: fc
        .array(fc.tuple(number, number), { maxLength: 3 })
        .map((rows) => new Map(rows.flatMap(([numbers, owners]) => numbers.map((owner) => [owner, owners])))),
    });
  });

/** The same table straight from the plain data: no chunks, no codes, no caches. */
function plainTable(plain: Contents): ContentsTable {
  const files = new Map(plain.files.map((file) => [file.path, file]));
  const claims = [...plain.directories].flatMap(([owner, paths]) => paths.map((claimed) => ({ owner, claimed })));
  const isOs = (number: number): boolean => plain.components[number]?.type === 'deb';
  const find = (at: string): ContentFile | undefined => files.get(at);
  return {
    ...plain,
    ownedFileCount: plain.files.filter(({ owners }) => owners.length > 0).length,
    osPackages: {
      count: plain.components.filter(({ type }) => type === 'deb').length,
      withFiles: new Set(plain.files.flatMap(({ owners }) => owners.filter(isOs))).size,
    },
    find,
    canonicalDirectories: (at) => {
      const directory = followLinks(at.slice(0, at.lastIndexOf('/')) || '/', (each) => find(each)?.linkTarget, true);
      return directory === undefined
        ? undefined
        : `${directory === '/' ? '' : directory}${at.slice(at.lastIndexOf('/'))}`;
    },
    directoryOwner: (at) => {
      const owners = claims.filter(({ claimed }) => claimed === at);
      return owners.length > 1 ? -1 : owners[0]?.owner;
    },
    distributorsOf: (number) => plain.distributors.get(number) ?? [],
    withSha256: (hex) => plain.files.filter((file) => file.digest === `sha256:${hex}`),
  };
}

/** Owners in any order among equals: which number a package has is each index's own business. */
function comparable(ownership: Ownership): unknown {
  if (ownership.state !== 'owned') return ownership;
  const { canonicalPath, declaredDigest, ...rest } = ownership;
  const keys = ownership.owners.map((owner) => `${packageKey(owner)} ${owner.layerDigest}`);
  // Of several files with the same content any may be named.
  return { ...rest, ...(rest.method === 'hash' ? {} : { canonicalPath, declaredDigest }), owners: keys };
}

it('what is stored answers as the plain data does, for any contents and question', () => {
  fc.assert(
    fc.property(contents, fc.array(path, { maxLength: 10 }), digest, (plain, others, hash) => {
      const encoded = encodeContentsNow(plain);
      const index = new ContentsStore({ cache: undefined }).hold(['x'], plain.source, encoded);
      const table = plainTable(plain);
      const sha256 = (plain.files.find((file) => file.digest.startsWith('sha256:'))?.digest ?? hash).slice(7);
      for (const asked of [...plain.files.map((file) => file.path), ...others]) {
        const stored = index.ownerOf(asked);
        expect(comparable(stored)).toEqual(comparable(ownerOf(table, asked)));
        const hashed = index.ownerOf(asked, sha256);
        expect(hashed.state).toBe(ownerOf(table, asked, sha256).state);
      }
    }),
    { numRuns: 300 },
  );
});

it('what is stored is what was put, whole', () => {
  fc.assert(
    fc.property(contents, (plain) => {
      const index = new ContentsStore({ cache: undefined }).hold(['x'], plain.source, encodeContentsNow(plain));
      const keyOf = (all: readonly Component[]) => (number: number) => packageKey(all[number]!);
      const flat = (files: Iterable<ContentFile>, all: readonly Component[]): unknown[] =>
        [...files]
          .map((file) => ({
            ...file,
            owners: file.owners.map(keyOf(all)),
            evidenceOf: file.evidenceOf.map(keyOf(all)),
          }))
          .sort((a, b) => (a.path < b.path ? -1 : 1));
      expect(flat(index.files(), index.components)).toEqual(flat(plain.files, plain.components));
      const packages = (all: readonly Component[]): string[] =>
        all.map((each) => `${packageKey(each)} ${each.layerDigest}`).sort();
      expect(packages(index.components)).toEqual(packages(plain.components));
      expect(index.fileCount).toBe(plain.files.length);
    }),
    { numRuns: 300 },
  );
});
