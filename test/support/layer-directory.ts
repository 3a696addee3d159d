import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { DirectoryLayer } from '../../agent/inventory/directory-layer.ts';
import { LayeredTree } from '../../agent/inventory/layered-tree.ts';
import { Pacer } from '../../agent/inventory/pacer.ts';

/** What is at a path of a layer. */
export type LayerItem =
  | string
  | Buffer
  | { link: string }
  | { directory: true; opaque?: boolean }
  | { removed: true }
  | { fifo: true };

/** Directories that are layers as overlayfs keeps them, in a folder of their own. */
export interface LayerDirectories {
  /** The lowest first. */
  directories: string[];
  remove(): void;
}

const setxattr = koffi
  .load('libc.so.6')
  .func('int setxattr(const char *path, const char *name, const char *value, size_t bytes, int flags)');

/** Layers by what is in them, the lowest first. Parents are made where needed. */
export function makeLayers(...layers: Record<string, LayerItem>[]): LayerDirectories {
  const work = mkdtempSync(join(tmpdir(), 'tallyman-layers-'));
  const directories = layers.map((items, index) => {
    const directory = join(work, String(index));
    mkdirSync(directory);
    for (const [path, item] of Object.entries(items)) put(join(directory, path), item);
    return directory;
  });
  return { directories, remove: () => rmSync(work, { recursive: true, force: true }) };
}

function put(path: string, item: LayerItem): void {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof item === 'string' || Buffer.isBuffer(item)) writeFileSync(path, item);
  else if ('link' in item) symlinkSync(item.link, path);
  else if ('removed' in item) execFileSync('mknod', [path, 'c', '0', '0']);
  else if ('fifo' in item) execFileSync('mkfifo', [path]);
  else {
    mkdirSync(path, { recursive: true });
    if (item.opaque && setxattr(path, 'user.overlay.opaque', 'y', 1, 0) !== 0)
      throw new Error(`${path}: setxattr: errno ${koffi.errno()}`);
  }
}

/** A pacer that never sleeps. */
export function unhurried(maxDurationMs = 60_000): Pacer {
  return new Pacer({ maxDurationMs, cpuShare: 1 });
}

export function treeOf(directories: readonly string[], maxEntries?: number): LayeredTree {
  return new LayeredTree(
    directories.map((directory) => new DirectoryLayer(directory)),
    unhurried(),
    maxEntries,
  );
}
