import type { Dirent } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../common/errors.ts';

/** linux/magic.h CGROUP2_SUPER_MAGIC */
const cgroup2Magic = 0x63677270;
const maxDepth = 64;

export interface CgroupScanOptions {
  cgroupRoot: string;
  requireCgroup2: boolean;
  /** The scan ends after this many. */
  maxCgroups: number;
}

/**
 * Walks a cgroup v2 hierarchy, parents first. Directories that vanish meanwhile are left out.
 *
 * @throws CodedError cgroup-root-unreadable, not-cgroup2
 */
export async function scanCgroups(
  options: CgroupScanOptions,
  found: (cgroupId: bigint, path: string) => void,
): Promise<void> {
  await checkRoot(options);
  const waiting: { path: string; depth: number }[] = [{ path: '/', depth: 0 }];
  let count = 0;
  for (let next = waiting.pop(); next !== undefined && count < options.maxCgroups; next = waiting.pop()) {
    const { path, depth } = next;
    const directory = join(options.cgroupRoot, path);
    const cgroupId = await inodeOf(directory);
    if (cgroupId === undefined) continue;
    found(cgroupId, path);
    count++;
    if (depth === maxDepth) continue;
    for (const entry of await entriesOf(directory))
      if (entry.isDirectory()) waiting.push({ path: join(path, entry.name), depth: depth + 1 });
  }
}

async function checkRoot({ cgroupRoot, requireCgroup2 }: CgroupScanOptions): Promise<void> {
  const hint = 'mount the cgroup v2 hierarchy (mount -t cgroup2 none DIR) and name its mount point as the cgroup root';
  let type: number;
  try {
    type = (await statfs(cgroupRoot)).type;
  } catch (cause) {
    throw new CodedError('cgroup-root-unreadable', `cannot read the cgroup root ${cgroupRoot}`, { cause, hint });
  }
  if (requireCgroup2 && type !== cgroup2Magic)
    throw new CodedError('not-cgroup2', `${cgroupRoot} is not the root of a cgroup v2 hierarchy`, { hint });
}

async function inodeOf(directory: string): Promise<bigint | undefined> {
  try {
    return (await stat(directory, { bigint: true })).ino;
  } catch {
    return undefined;
  }
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}
