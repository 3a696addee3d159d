import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../common/backoff.ts';
import { RuleWatcher } from './rule-watcher.ts';

describe('RuleWatcher', () => {
  let directory = '';
  let changes = 0;
  let watcher: RuleWatcher;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'tallyman-watch-'));
    write('a.yaml', 'one');
    changes = 0;
  });
  afterEach(async () => {
    await watcher.close();
    rmSync(directory, { recursive: true });
  });

  function write(name: string, text: string): void {
    writeFileSync(path.join(directory, name), text);
  }

  async function watch(...directories: string[]): Promise<void> {
    watcher = new RuleWatcher({ directories, intervalMs: 10, onChange: () => changes++ });
    // It has to have looked once before a change is one.
    await sleep(100);
  }

  it('tells once of a file that was changed, added or removed', async () => {
    await watch(directory);
    write('a.yaml', 'another');
    await expect.poll(() => changes).toBe(1);
    write('b.yaml', 'more');
    await expect.poll(() => changes).toBe(2);
    rmSync(path.join(directory, 'b.yaml'));
    await expect.poll(() => changes).toBe(3);
  });

  it('tells of links that are swapped, as a mounted ConfigMap does it', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(path.join(directory, version));
      writeFileSync(path.join(directory, version, 'r.yaml'), version);
    }
    symlinkSync('v1', path.join(directory, '..data'));
    symlinkSync('..data/r.yaml', path.join(directory, 'r.yaml'));
    await watch(directory);
    symlinkSync('v2', path.join(directory, '..data_tmp'));
    renameSync(path.join(directory, '..data_tmp'), path.join(directory, '..data'));
    await expect.poll(() => changes).toBe(1);
  });

  it('tells nothing of other files, and copes with a directory that comes later', async () => {
    const later = path.join(directory, 'later');
    await watch(directory, later);
    write('README.md', 'no rule');
    mkdirSync(later);
    writeFileSync(path.join(later, 'b.yaml'), 'b');
    await expect.poll(() => changes).toBe(1);
  });
});
