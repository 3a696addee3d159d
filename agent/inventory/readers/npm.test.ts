import { expect, test } from 'vitest';
import { readMemory } from '../../../test/support/memory-tree.ts';
import { npmReader } from './npm.ts';

const json = (value: object): string => JSON.stringify(value);

test('packages of node_modules, scoped and nested ones, with their directories', async () => {
  const { packages, problems } = await readMemory(npmReader, [
    ['/app/package.json', json({ name: 'shop', version: '1.0.0' })],
    ['/app/node_modules/a/package.json', json({ name: 'a', version: '1.2.3', license: 'MIT' })],
    ['/app/node_modules/a/node_modules/b/package.json', json({ name: 'b', version: '0.1.0' })],
    ['/app/node_modules/@x/y/package.json', json({ name: '@x/y', version: '2.0.0', licenses: [{ type: 'ISC' }] })],
  ]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl, directories, licenses }) => ({ purl, directories, licenses }))).toEqual([
    { purl: 'pkg:npm/shop@1.0.0', directories: [], licenses: [] },
    { purl: 'pkg:npm/a@1.2.3', directories: ['/app/node_modules/a'], licenses: ['MIT'] },
    { purl: 'pkg:npm/%40x/y@2.0.0', directories: ['/app/node_modules/@x/y'], licenses: ['ISC'] },
    { purl: 'pkg:npm/b@0.1.0', directories: ['/app/node_modules/a/node_modules/b'], licenses: [] },
  ]);
});

test('what a package contains: bundled packages count, test material and its own copies do not', async () => {
  const { packages } = await readMemory(npmReader, [
    ['/m/node_modules/a/package.json', json({ name: 'a', version: '1.0.0' })],
    ['/m/node_modules/a/dist/esm/package.json', json({ type: 'module' })],
    ['/m/node_modules/a/dist/cjs/package.json', json({ name: 'a', version: '1.0.0' })],
    ['/m/node_modules/a/test/resolver/package.json', json({ name: 'ljharb-monorepo-symlink-test', version: '0.0.0' })],
    ['/m/node_modules/a/vendor/c/package.json', json({ name: 'c', version: '3.0.0' })],
    ['/m/node_modules/a/vendor/d/package.json', json({ name: 'd' })],
  ]);
  expect(packages.map(({ purl }) => purl)).toEqual(['pkg:npm/a@1.0.0', 'pkg:npm/c@3.0.0']);
});

test('pnpm keeps each package once, and links to it', async () => {
  const { packages } = await readMemory(npmReader, [
    ['/app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json', json({ name: 'a', version: '1.0.0' })],
    ['/app/node_modules/.pnpm/a@1.0.0/node_modules/b', { link: '../../b@2.0.0/node_modules/b' }],
    ['/app/node_modules/.pnpm/b@2.0.0/node_modules/b/package.json', json({ name: 'b', version: '2.0.0' })],
    ['/app/node_modules/a', { link: '.pnpm/a@1.0.0/node_modules/a' }],
  ]);
  expect(packages.map(({ name, directories }) => [name, directories])).toEqual([
    ['a', ['/app/node_modules/.pnpm/a@1.0.0/node_modules/a']],
    ['b', ['/app/node_modules/.pnpm/b@2.0.0/node_modules/b']],
  ]);
});

test('a package that was only copied up belongs to the layer that brought it', async () => {
  const bytes = Buffer.from(json({ name: 'a', version: '1.0.0' }));
  const { packages } = await readMemory(npmReader, [
    ['/n/node_modules/a/package.json', { bytes, layer: 1 }],
    ['/n/node_modules/a/package.json', { bytes, layer: 4 }],
  ]);
  expect(packages[0]?.layer).toBe(1);
});

test('a broken package.json is a problem, and the next is read', async () => {
  const { packages, problems } = await readMemory(npmReader, [
    ['/n/node_modules/a/package.json', '{"name": "a", '],
    ['/n/node_modules/b/package.json', json({ name: '../../etc', version: '1' })],
    ['/n/node_modules/c/package.json', json({ name: 'c', version: '1.0.0' })],
  ]);
  expect(packages.map(({ name }) => name)).toEqual(['c']);
  expect(problems.map(({ path, code }) => [path, code])).toEqual([
    ['/n/node_modules/a/package.json', 'malformed'],
    ['/n/node_modules/b/package.json', 'malformed'],
  ]);
});
