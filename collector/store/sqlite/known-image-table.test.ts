import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KnownImage } from '../../records/base/known-images.ts';
import { KnownImageTable } from './known-image-table.ts';
import { openDatabase } from './open.ts';

let folder: string;
let database: ReturnType<typeof openDatabase>;
let table: KnownImageTable;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-known-'));
  database = openDatabase({ file: join(folder, 'c.db'), maxDatabaseBytes: 16 * 1024 * 1024, busyTimeoutMs: 100 });
  table = new KnownImageTable(database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const image = (tag: string, createdAtUnixMs?: number, chainId = 'sha256:aa'): KnownImage => ({
  ...{ chainId, repository: 'docker.io/library/debian', tag, digest: `sha256:${tag}` },
  ...{ layerCount: 1, createdAtUnixMs },
});

describe('known images', () => {
  it('are found by the key of all their layers, under every name', () => {
    table.put(image('12', 5), 1);
    table.put(image('12-slim'), 1);
    table.put(image('13', 9, 'sha256:bb'), 1);
    expect(table.find('sha256:aa').map(({ tag }) => tag)).toEqual(['12-slim', '12']);
    expect(table.find('sha256:aa')).toContainEqual(image('12-slim'));
    expect(table.find('sha256:cc')).toEqual([]);
  });

  it('tell the newest of a name', () => {
    table.put(image('12', 5), 1);
    table.put({ ...image('12', 7), digest: 'sha256:other' }, 1);
    expect(table.newest('docker.io/library/debian', '12')).toBe(7);
    expect(table.newest('docker.io/library/debian', '14')).toBeUndefined();
  });

  it('go when there are too many, those not seen for the longest first', () => {
    const dayMs = 24 * 3_600_000;
    table.put(image('old', 1), 1);
    table.put(image('new', 1), 2 * dayMs);
    table.put(image('seen-again', 1), 1);
    table.put(image('seen-again', 1), 3 * dayMs);
    expect(table.prune(2)).toBe(1);
    expect(table.find('sha256:aa').map(({ tag }) => tag)).toEqual(['seen-again', 'new']);
  });
});
