import { readFileSync } from 'node:fs';
import { errorText } from '../../common/errors.ts';
import type { Check } from './check.ts';

/** Mount points by file system type, from /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function mountPoints(mountinfo: string, filesystem: string): string[] {
  const found: string[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    if (after.split(' ')[0] === filesystem) found.push(before.split(' ')[4] ?? '');
  }
  return found.filter((path) => path !== '');
}

export function checkCgroups(readMountinfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8')): Check {
  const check = { name: 'cgroups', looked: 'cgroup2 in /proc/self/mountinfo' };
  let mountinfo: string;
  try {
    mountinfo = readMountinfo();
  } catch (thrown) {
    return { ...check, state: 'unknown', found: errorText(thrown) };
  }
  const [root] = mountPoints(mountinfo, 'cgroup2');
  if (root === undefined) {
    return {
      ...check,
      state: 'blocked',
      found: 'no cgroup v2 hierarchy is mounted',
      follows: 'kernel events carry cgroup v2 ids: they could not be told apart by container',
      todo: 'mount -t cgroup2 none /sys/fs/cgroup/unified, or boot with systemd.unified_cgroup_hierarchy=1',
    };
  }
  if (mountPoints(mountinfo, 'cgroup').length === 0) return { ...check, state: 'good', found: `version 2 at ${root}` };
  return {
    ...check,
    state: 'good',
    found: `versions 1 and 2 side by side, version 2 at ${root}`,
    follows: 'containers are recognised where the runtime puts them in the version 2 hierarchy too (runc ≥ 1.0 does)',
  };
}
