import { readFileSync } from 'node:fs';
import { errorText } from '../../common/errors.ts';
import { mountPoints } from './cgroups.ts';
import type { Check } from './check.ts';

/** How files in containers are watched here. */
export async function checkFiles(): Promise<Check> {
  const check = { name: 'watched files', looked: 'fanotify_init, and a mark on an overlay file system' };
  try {
    const { probeFiles } = await import('../../agent/files/probe.ts');
    const { way, reason, maxGroups } = probeFiles(
      mountPoints(readFileSync('/proc/self/mountinfo', 'utf8'), 'overlay')[0],
    );
    if (way === undefined)
      return {
        ...check,
        state: 'weaker',
        found: reason,
        follows: 'what happens to sensitive files in containers is not seen (rules file-*)',
        todo: 'grant CAP_SYS_ADMIN, and allow fanotify_init(2) in the seccomp profile',
      };
    const bound = maxGroups === 0 ? '' : `; at most ${maxGroups} containers (sysctl fs.fanotify.max_user_groups)`;
    const found = `fanotify with ${ways[way]}: ${reason}${bound}`;
    if (way === 'identities') return { ...check, state: 'good', found };
    return {
      ...check,
      state: 'weaker',
      found,
      follows: 'files that are created, deleted, renamed, linked or change their mode are seen without the process',
      todo: 'use Linux 6.6 or newer',
    };
  } catch (thrown) {
    return { ...check, state: 'unknown', found: errorText(thrown) };
  }
}

const ways = { identities: 'identities and names', descriptors: 'descriptors, names by inotify' } as const;
