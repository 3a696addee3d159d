import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * cgroup v2 id of the agent itself; undefined if it cannot be told. Inside a cgroup namespace of its own the agent sees
 * its cgroup as the root, and the hierarchy mounted there for it then starts at that cgroup.
 */
export async function readOwnCgroupId(procRoot: string, cgroupRoot: string): Promise<bigint | undefined> {
  try {
    const path = parseUnifiedPath(await readFile(join(procRoot, 'self/cgroup'), 'utf8'));
    if (path === undefined || path.startsWith('/..')) return undefined;
    const directory = path === '/' ? '/sys/fs/cgroup' : join(cgroupRoot, path);
    return (await stat(directory, { bigint: true })).ino;
  } catch {
    return undefined;
  }
}

/** The cgroup v2 line ("0::/path") of /proc/<pid>/cgroup. */
export function parseUnifiedPath(text: string): string | undefined {
  return /^0::(\/.*)$/m.exec(text)?.[1];
}
