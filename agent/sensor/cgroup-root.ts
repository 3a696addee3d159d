import { statfsSync } from 'node:fs';

/** CGROUP2_SUPER_MAGIC of linux/magic.h */
const cgroup2Magic = 0x63677270;

/**
 * The root of the cgroup v2 hierarchy: /sys/fs/cgroup on pure v2 hosts, /sys/fs/cgroup/unified where v1 and v2 are mounted
 * side by side. Undefined where v2 is not mounted.
 */
export function findCgroupRoot(
  candidates: readonly string[] = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'],
): string | undefined {
  return candidates.find((path) => {
    try {
      return statfsSync(path).type === cgroup2Magic;
    } catch {
      return false;
    }
  });
}
