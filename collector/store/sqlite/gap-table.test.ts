import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../common/logger.ts';
import { Metrics } from '../../../common/metrics.ts';
import { Gap } from '../../../proto/generated/tallyman/v1/uplink.ts';
import type { Store } from '../store.ts';
import { createSqliteStore } from './sqlite-store.ts';

let directory: string;
let store: Store;

const open = (): Store =>
  createSqliteStore({
    file: join(directory, 'c.db'),
    bounds: { maxGaps: 3, maxGapAgeMs: 1_000 },
    logger: silentLogger,
    metrics: new Metrics('collector'),
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-gaps-'));
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const at = (ms: number): bigint => BigInt(ms) * 1_000_000n;

function put(nodeName: string, fromMs: number, toMs: number, containerIds: string[] = [], receivedAtUnixMs = 1): void {
  const gap = { hop: 'budget', type: 'exec', reason: 'throttled', count: 5n, containerIds };
  store.putGap({
    nodeName,
    gap: Gap.fromPartial({ ...gap, fromUnixNs: at(fromMs), toUnixNs: at(toMs) }),
    receivedAtUnixMs,
  });
}

const windows = (filter: Parameters<Store['listGaps']>[0]): number[] =>
  store.listGaps(filter).map(({ gap }) => Number(gap.fromUnixNs / 1_000_000n));

it('finds gaps by node, container and window, newest first, also after a restart', () => {
  put('n1', 100, 200, ['a', 'b']);
  put('n1', 300, 400);
  put('n1', 500, 600, ['c']);
  put('n2', 100, 200, ['a']);
  store.close();
  store = open();
  expect(windows({ limit: 10 })).toEqual([100, 500, 300, 100]);
  expect(windows({ limit: 2 })).toEqual([100, 500]);
  expect(windows({ nodeName: 'n1', containerId: 'a', limit: 10 })).toEqual([300, 100]);
  expect(windows({ nodeName: 'n1', containerId: 'somebody', limit: 10 })).toEqual([300]);
  expect(windows({ nodeName: 'n1', fromUnixMs: 200, toUnixMs: 300, limit: 10 })).toEqual([300, 100]);
  expect(windows({ nodeName: 'n1', fromUnixMs: 201, toUnixMs: 299, limit: 10 })).toEqual([]);
});

it('keeps a gap that is worked on twice once', () => {
  put('n1', 100, 200, ['a']);
  put('n1', 100, 200, ['a']);
  put('n1', 100, 200, ['a'], 2);
  expect(windows({ limit: 10 })).toHaveLength(2);
});

it('keeps the newest, and none that is too old', () => {
  for (const [index, received] of [100, 5_000, 5_001, 5_002, 5_003].entries()) put('n1', index, index, ['a'], received);
  expect(store.prune(5_500)).toMatchObject({ gaps: 2 });
  expect(windows({ containerId: 'a', limit: 10 })).toEqual([4, 3, 2]);
});
