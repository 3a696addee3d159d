import { execFileSync } from 'node:child_process';
import { renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type LayerDirectories, type LayerItem, makeLayers, treeOf } from '../../test/support/layer-directory.ts';
import type { LayeredTree } from './layered-tree.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function layersOf(...layers: Record<string, LayerItem>[]): LayerDirectories {
  const made = makeLayers(...layers);
  cleanups.push(made.remove);
  return made;
}

function open(directories: readonly string[], maxEntries?: number): LayeredTree {
  const tree = treeOf(directories, maxEntries);
  cleanups.push(() => tree.close());
  return tree;
}

function treeWith(...layers: Record<string, LayerItem>[]): LayeredTree {
  return open(layersOf(...layers).directories);
}

function pathsOf(tree: LayeredTree): string[] {
  return [...tree.entries()].map(({ path }) => path).sort();
}

test('upper layers replace, remove and empty what lower ones have', () => {
  const tree = treeWith(
    { 'etc/a': 'low', 'etc/b': 'low', 'opt/app/x': 'x', 'srv/y/z': 'z', 'usr/d/e': 'e', keep: 'k' },
    { 'etc/a': 'middle', 'etc/b': { removed: true }, 'opt/app': { directory: true, opaque: true }, 'opt/app/new': 'n' },
    { srv: { removed: true }, 'usr/d': 'a file now' },
  );
  expect(pathsOf(tree)).toEqual(['/etc', '/etc/a', '/keep', '/opt', '/opt/app', '/opt/app/new', '/usr', '/usr/d']);
  expect(tree.read('/etc/a', 100).toString()).toBe('middle');
  expect(tree.find('/etc/a')?.layer).toBe(1);
  expect(tree.find('/keep')?.layer).toBe(0);
  expect(tree.readAtLayer('/etc/a', 0, 100)?.toString()).toBe('low');
  expect(tree.layersWith('/etc/a')).toEqual([0, 1]);
  expect(() => tree.read('/etc/b', 100)).toThrow('/etc/b does not exist');
});

test('what a middle layer removed stays removed when an upper one has the directory again', () => {
  const tree = treeWith(
    { 'a/old': '1', 'b/old': '1' },
    { a: { removed: true }, b: 'file' },
    { 'a/new': '2', 'b/new': '2' },
  );
  expect(pathsOf(tree)).toEqual(['/a', '/a/new', '/b', '/b/new']);
});

test('an opaque root hides all layers below', () => {
  expect(pathsOf(treeWith({ old: '1' }, { '.': { directory: true, opaque: true }, new: '2' }))).toEqual(['/new']);
});

test('an earlier version is not looked for behind a layer that hides it', () => {
  const tree = treeWith({ 'd/db': '0' }, { d: { removed: true } }, { 'd/db': '2' }, { 'd/db': '3' });
  expect(tree.layersWith('/d/db')).toEqual([2, 3]);
  expect(tree.readAtLayer('/d/db', 1, 100)).toBeUndefined();
  expect(tree.readAtLayer('/d/db', 2, 100)?.toString()).toBe('2');
});

test('links in parents are followed inside the image only', () => {
  const tree = treeWith({
    'usr/bin/ls': 'ls',
    bin: { link: 'usr/bin' },
    'etc/shadow': 'of the image',
    'tmp/absolute': { link: '/etc/shadow' },
    'tmp/up': { link: '../../../../../../etc/shadow' },
    'tmp/host': { link: '/proc/self/root/etc/shadow' },
    'tmp/etc': { link: '/../../../../../etc' },
  });
  expect(tree.find('/bin/ls')?.path).toBe('/usr/bin/ls');
  expect(tree.find('/bin')?.kind).toBe('symlink');
  expect(tree.resolve('/bin')?.path).toBe('/usr/bin');
  for (const path of ['/tmp/absolute', '/tmp/up', '/tmp/etc/shadow', '/../../etc/shadow', 'tmp/../etc/shadow'])
    expect(tree.read(path, 100).toString()).toBe('of the image');
  expect(tree.resolve('/tmp/host')).toBeUndefined();
  expect(tree.list('/tmp/etc').map(({ path }) => path)).toEqual(['/etc/shadow']);
});

test('links that lead round in a circle end after 40', () => {
  const chain = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at): [string, LayerItem] => [
        `l${at}`,
        { link: at === 0 ? 'end' : `l${at - 1}` },
      ]),
    );
  const tree = treeWith({ a: { link: 'b' }, b: { link: 'a' }, self: { link: 'self/self' }, end: 'e', ...chain(41) });
  for (const path of ['/a', '/a/x', '/self', '/self/y', '/l40']) expect(tree.resolve(path)).toBeUndefined();
  expect(tree.resolve('/l39')?.path).toBe('/end');
});

test('a directory that becomes a link to the host is not walked or read through', () => {
  const { directories } = layersOf({ 'data/secret': 'image' });
  const tree = open(directories);
  const [layer = ''] = directories;
  const outside = layersOf({ secret: 'host' });
  // As if somebody replaced it between the walk and the read.
  renameSync(join(layer, 'data'), join(layer, '..', 'moved'));
  symlinkSync(outside.directories[0] ?? '', join(layer, 'data'));
  expect(() => tree.read('/data/secret', 100)).toThrow('/secret cannot be opened');
  expect(pathsOf(open(directories))).toEqual(['/data']);
});

test('FIFOs, sockets and devices are never opened', () => {
  const tree = treeWith({ 'var/lib/dpkg/status': { fifo: true }, 'etc/os-release': { fifo: true } });
  expect(tree.find('/var/lib/dpkg/status')?.kind).toBe('other');
  expect(() => tree.read('/var/lib/dpkg/status', 100)).toThrow('no regular file');
});

test('sizes are looked at before anything is read, and a file that has become shorter gives what is left', () => {
  const { directories } = layersOf({ huge: '', shrinks: 'x'.repeat(100) });
  truncateSync(join(directories[0] ?? '', 'huge'), 2 ** 40);
  const tree = open(directories);
  expect(() => tree.read('/huge', 1_000_000)).toThrow('/huge has 1099511627776 bytes, more than 1000000');
  expect(tree.readRange('/huge', 2 ** 39, 4096)).toEqual(Buffer.alloc(4096));
  expect(tree.readRange('/shrinks', 90, 50).length).toBe(10);
  writeFileSync(join(directories[0] ?? '', 'shrinks'), 'short');
  expect(tree.read('/shrinks', 1_000).toString()).toBe('short');
});

test('names that are not UTF-8 are escaped, and their files read', () => {
  const { directories } = layersOf({});
  const name = Buffer.from([0x6e, 0xff, 0xc3, 0xa9]);
  writeFileSync(Buffer.concat([Buffer.from(`${directories[0]}/`), name]), 'content');
  writeFileSync(join(directories[0] ?? '', 'é'), 'accent');
  const tree = open(directories);
  expect(pathsOf(tree)).toEqual(['/n\\xff\\xc3\\xa9', '/é']);
  expect(tree.read('/n\\xff\\xc3\\xa9', 100).toString()).toBe('content');
  expect(tree.read('/é', 100).toString()).toBe('accent');
});

test('directories deeper than a path may be long are cut and told', () => {
  const { directories } = layersOf({ 'top/x': 'x' });
  makeDeep(directories[0] ?? '', 60);
  const tree = open(directories);
  expect(tree.problems).toEqual([expect.objectContaining({ code: 'limit' })]);
  expect(tree.find('/top/x')?.kind).toBe('file');
});

test('beyond the number of entries the rest is left out and told', () => {
  const items = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, 'x']));
  const tree = open(layersOf(items).directories, 20);
  expect(pathsOf(tree)).toHaveLength(20);
  expect(tree.problems).toEqual([expect.objectContaining({ code: 'limit', path: '/' })]);
});

/** Each level has a name of 200 letters; made from within, since no path may be that long. */
function makeDeep(directory: string, levels: number): void {
  const name = 'd'.repeat(200);
  execFileSync('sh', ['-c', `for level in $(seq ${levels}); do mkdir ${name} && cd -P ${name} || exit 1; done`], {
    cwd: directory,
  });
}
