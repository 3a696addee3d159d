import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../common/logger.ts';
import { Metrics } from '../../../common/metrics.ts';
import type { Contents } from '../../records/contents/contents.ts';
import { ContentsStore } from '../../records/contents/contents-store.ts';
import type { Component } from '../../records/papers.ts';
import type { Store } from '../store.ts';
import { createSqliteStore } from './sqlite-store.ts';
import type { StoreBounds } from './tables.ts';

let directory = '';
let file = '';
const opened: Store[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-contents-'));
  file = join(directory, 'tallyman.db');
});
afterEach(() => {
  closeAll();
  rmSync(directory, { recursive: true });
});

function closeAll(): void {
  for (const store of opened.splice(0)) store.close();
}

function open(bounds: Partial<StoreBounds> = {}): Store {
  const store = createSqliteStore({ file, bounds, logger: silentLogger, metrics: new Metrics('collector') });
  opened.push(store);
  return store;
}

/** Closes the store and opens it anew, as a restart does; answers contents without anything in memory. */
function reopened(): ContentsStore {
  closeAll();
  return new ContentsStore({ cache: open() });
}

function component(name: string, version: string, layerDigest: string): Component {
  const purl = `pkg:deb/debian/${name}@${version}`;
  return { purl, name, version, type: 'deb', sourceName: undefined, sourceVersion: undefined, layerDigest };
}

/** A base layer with 3 000 files that all images share, one of them replaced by the image's own. */
function image(own: number): Contents {
  const base = Array.from({ length: 3_000 }, (_, at) => `/usr/lib/base/${at % 40}/file-${at}`);
  const replaced = base[own % base.length] ?? '';
  const fileOf = (path: string, owner: number, layerDigest: string) => ({
    ...{ path, owners: [owner], evidenceOf: [], layerDigest, linkTarget: undefined, mode: 0o644 },
    digest: `md5:${Buffer.from(path.padEnd(16)).subarray(-16).toString('hex')}`,
  });
  return {
    ...{ source: 'inventory', listsAllFiles: true, usrMerge: 'links', incomplete: '' },
    components: [component('base', '1', 'sha256:base'), component('own', `${own}`, 'sha256:own')],
    files: [
      ...base.filter((path) => path !== replaced).map((path) => fileOf(path, 0, 'sha256:base')),
      fileOf(replaced, 1, 'sha256:own'),
    ],
    directories: new Map(),
    distributors: new Map(),
  };
}

const rows = (table: string): number => {
  closeAll();
  const database = new Database(file, { readonly: true });
  const count = database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  database.close();
  return count;
};

it('answers after a restart what it answered before', async () => {
  const before = await new ContentsStore({ cache: open() }).put(['sha256:a', 'sha256:b'], 'inventory', image(7));
  const after = reopened();
  for (const name of ['sha256:a', 'sha256:b']) {
    const index = after.get(name, 'inventory');
    expect([...(index?.files() ?? [])]).toEqual([...before.files()]);
    expect(index?.ownerOf('/usr/lib/base/7/file-7')).toMatchObject({ state: 'owned', owners: [{ name: 'own' }] });
  }
  expect(after.get('sha256:a', 'sbom')).toBeUndefined();
  expect(after.get('sha256:c', 'inventory')).toBeUndefined();
});

it('keeps what images share once, though each replaces a file of it', async () => {
  const store = new ContentsStore({ cache: open() });
  for (let own = 0; own < 20; own++) await store.put([`sha256:${own}`], 'inventory', image(own * 31));
  // Of each image: the head, its own package and file, and the part of the base that its file is missing from.
  const chunksOfFirst = 5;
  expect(rows('contents_chunks')).toBeLessThan(chunksOfFirst + 20 * 4);
  expect(rows('contents')).toBe(20);
});

it('finds images by package, from whichever word it is', async () => {
  const store = new ContentsStore({ cache: open() });
  for (const own of [1, 2, 3]) await store.put([`sha256:${own}`], 'inventory', image(own));
  await store.put(['sha256:2'], 'sbom', { ...image(2), source: 'sbom' });
  await store.put(['sha256:document'], 'document', { ...image(2), source: 'sbom' });
  const digests = (query: Parameters<ContentsStore['imagesWithPackage']>[0]): string[] =>
    store
      .imagesWithPackage(query, 100)
      .map(({ imageDigest, kind }) => `${kind} ${imageDigest}`)
      .sort();
  expect(digests({ name: 'base' })).toEqual([1, 2, 3].map((own) => `inventory sha256:${own}`).concat('sbom sha256:2'));
  expect(digests({ purl: 'pkg:deb/debian/own@2' })).toEqual(['inventory sha256:2', 'sbom sha256:2']);
  expect(digests({ name: 'own', version: '3', type: 'deb' })).toEqual(['inventory sha256:3']);
  expect(digests({ name: 'own', type: 'apk' })).toEqual([]);
});

it('answers unknown, never wrong, from damaged parts', async () => {
  await new ContentsStore({ cache: open() }).put(['sha256:a'], 'inventory', image(7));
  closeAll();
  const database = new Database(file);
  database.exec(`UPDATE contents_chunks SET bytes = zeroblob(length(bytes)) WHERE raw_bytes > 1000`);
  database.close();
  const damaged = new ContentsStore({ cache: open() });
  expect(damaged.get('sha256:a', 'inventory')?.ownerOf('/usr/lib/base/9/file-9')).toMatchObject({
    state: 'no-ownership-data',
    reason: expect.stringContaining('damaged'),
  });
  closeAll();
  const again = new Database(file);
  again.exec(`UPDATE contents SET head = x'28b52ffd0000'`);
  again.close();
  expect(new ContentsStore({ cache: open() }).get('sha256:a', 'inventory')).toBeUndefined();
});

it('repairs damaged parts when the contents are put again', async () => {
  await new ContentsStore({ cache: open() }).put(['sha256:a'], 'inventory', image(7));
  closeAll();
  const database = new Database(file);
  database.exec(`UPDATE contents_chunks SET bytes = zeroblob(length(bytes)) WHERE raw_bytes > 1000`);
  database.close();
  const store = new ContentsStore({ cache: open() });
  store.get('sha256:a', 'inventory')?.ownerOf('/usr/lib/base/9/file-9');
  await store.put(['sha256:a'], 'inventory', image(7));
  expect(reopened().get('sha256:a', 'inventory')?.ownerOf('/usr/lib/base/9/file-9').state).toBe('owned');
});

it('has every image whole whose storing was answered, after the process was killed in the midst of it', async () => {
  const child = fork(fileURLToPath(new URL('./testing/put-contents.ts', import.meta.url)), [file], { stdio: 'ignore' });
  const stored: string[] = [];
  const enough = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('it ended by itself')));
    child.on('message', (name) => {
      stored.push(String(name));
      if (stored.length === 12) resolve();
    });
  });
  await enough;
  child.removeAllListeners('exit');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  const contents = new ContentsStore({ cache: open() });
  for (const name of stored) {
    const index = contents.get(name, 'inventory');
    expect([...(index?.files() ?? [])]).toHaveLength(index?.fileCount ?? -1);
    expect(index?.ownerOf('/usr/lib/own/file-5')).toMatchObject({ state: 'owned', owners: [{ name: 'own' }] });
  }
});

it('forgets the least recently used, and with them what nothing else uses', async () => {
  const store = new ContentsStore({ cache: open() });
  for (const own of [1, 2, 3, 4]) {
    await store.put([`sha256:${own}`], 'inventory', image(own));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  reopened().get('sha256:1', 'inventory');
  const pruned = opened[0]?.prune(Date.now());
  expect(pruned?.contents).toBe(0);
  closeAll();
  const bounded = open({ maxContents: 2 });
  expect(bounded.prune(Date.now()).contents).toBe(2);
  bounded.prune(Date.now());
  expect(rows('contents')).toBe(2);
  expect(rows('contents_names')).toBe(2);
  expect(rows('contents_packages')).toBe(3);
  const left = reopened();
  for (const own of [2, 3]) expect(left.get(`sha256:${own}`, 'inventory')).toBeUndefined();
  for (const own of [1, 4])
    expect(left.get(`sha256:${own}`, 'inventory')?.ownerOf(`/usr/lib/base/9/file-9`)).toMatchObject({ state: 'owned' });
});

it('stays within its bounds while more comes than pruning could take away', async () => {
  const store = new ContentsStore({ cache: open({ maxContents: 5 }) });
  for (let own = 0; own < 30; own++) await store.put([`sha256:${own}`], 'inventory', image(own));
  opened[0]?.prune(Date.now());
  const kept = rows('contents');
  expect([4, 5]).toContain(kept);
  expect(rows('contents_packages')).toBe(kept + 1);
  const small = new ContentsStore({ cache: open({ maxContentsBytes: 10_000 }) });
  for (let own = 100; own < 110; own++) await small.put([`sha256:${own}`], 'inventory', image(own));
  expect(rows('contents')).toBeLessThanOrEqual(2);
});

it('sweeps up what a write that was cut short left behind', async () => {
  const store = open();
  const chunk = {
    hash: 'ab'.repeat(32),
    bytes: Buffer.from('[]'),
    packages: [{ name: 'x', version: '1', type: 'deb', purl: '' }],
  };
  store.putContentsChunks([chunk]);
  expect(store.prune(Date.now()).contents).toBe(0);
  store.prune(Date.now());
  expect(rows('contents_chunks')).toBe(0);
  expect(rows('contents_packages')).toBe(0);
});
