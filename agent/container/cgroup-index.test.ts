import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { CgroupIndex, type CgroupIndexOptions } from './cgroup-index.ts';
import { parseUnifiedPath } from './own-cgroup.ts';

let root: string;
let added: string[];
let forgotten: bigint[];
let nowMs: number;

function index(options: Partial<CgroupIndexOptions> = {}): CgroupIndex {
  return new CgroupIndex({
    ...{ cgroupRoot: root, requireCgroup2: false, logger: silentLogger, metrics: new Metrics('agent') },
    onAdded: ({ path }) => added.push(path),
    onForgotten: ({ cgroupId }) => forgotten.push(cgroupId),
    nowMs: () => nowMs,
    ...options,
  });
}

function make(path: string): bigint {
  mkdirSync(join(root, path), { recursive: true });
  return statSync(join(root, path), { bigint: true }).ino;
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tallyman-index-'));
  added = [];
  forgotten = [];
  nowMs = 0;
});

afterEach(() => rmSync(root, { recursive: true }));

describe('CgroupIndex', () => {
  it('finds what is there, parents first, by the id that the kernel uses', async () => {
    const deep = make('a/b/c');
    const subject = index();
    await subject.scan();
    expect(subject.get(deep)).toMatchObject({ cgroupId: deep, path: '/a/b/c' });
    expect(added.toSorted()).toEqual(['/', '/a', '/a/b', '/a/b/c']);
    expect(added.indexOf('/a')).toBeLessThan(added.indexOf('/a/b'));
    nowMs = 1;
    rmdirSync(join(root, 'a/b/c'));
    await subject.scan();
    expect([subject.size, added.length]).toEqual([3, 4]);
    expect(subject.get(deep)?.path).toBe('/a/b/c');
  });

  it('does not bring back what died while it was looking', async () => {
    const id = make('a');
    const subject = index();
    const scan = subject.scan();
    subject.add(id, '/a');
    subject.remove(id);
    await scan;
    expect(subject.size).toBe(1);
    expect(added).toEqual(['/a', '/']);
  });

  it('keeps cgroups that were born while it was looking', async () => {
    const subject = index();
    nowMs = 5;
    const scan = subject.scan();
    subject.add(500n, '/not/there/yet');
    await scan;
    expect(subject.get(500n)).toBeDefined();
    expect(subject.size).toBe(2);
  });

  it('remembers the dead for a while and in a bounded number', () => {
    const subject = index({ afterLifeMs: 1000, maxRemoved: 3 });
    for (let id = 1n; id <= 5n; id++) {
      subject.add(id, `/${id}`);
      subject.remove(id);
    }
    expect(forgotten).toEqual([1n, 2n]);
    nowMs = 1001;
    subject.sweep();
    expect(forgotten).toEqual([1n, 2n, 3n, 4n, 5n]);
    expect(subject.get(5n)).toBeUndefined();
  });

  it('takes in a bounded number of living ones', () => {
    const subject = index({ maxCgroups: 10 });
    for (let id = 1n; id <= 50n; id++) subject.add(id, `/${id}`);
    expect(subject.size).toBe(10);
    subject.remove(1n);
    subject.add(51n, '/51');
    expect(subject.get(51n)).toBeDefined();
  });

  it('scans at most once in an interval, however often it is asked', async () => {
    const subject = index({ rescanIntervalMs: 20 });
    await subject.scan();
    const id = make('later');
    for (let i = 0; i < 100; i++) subject.requestScan();
    await expect.poll(() => subject.get(id)?.path).toBe('/later');
    await subject.close();
    subject.requestScan();
  });

  it('says what is wrong with the root', async () => {
    await expect(index({ cgroupRoot: '/nowhere' }).scan()).rejects.toMatchObject({
      code: 'cgroup-root-unreadable',
      hint: expect.stringContaining('mount'),
    });
    await expect(index({ requireCgroup2: true }).scan()).rejects.toMatchObject({ code: 'not-cgroup2' });
  });
});

describe('parseUnifiedPath', () => {
  it('finds the cgroup v2 line among those of v1', () => {
    expect(parseUnifiedPath('9:name=systemd:/x\n4:memory:/y\n0::/docker/abc\n')).toBe('/docker/abc');
    expect(parseUnifiedPath('4:memory:/y\n')).toBeUndefined();
    expect(parseUnifiedPath('')).toBeUndefined();
  });
});
