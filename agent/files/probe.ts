import { openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { FanotifyGroup, type FanotifyWay } from './fanotify.ts';
import { openGroupFor } from './group-opener.ts';
import { Open, withFd } from './syscalls.ts';

export interface FilesProbe {
  /** Undefined when files cannot be watched at all. */
  way: FanotifyWay | undefined;
  /** What was tried, or why it failed. */
  reason: string;
  /** Groups this user may have: one is needed for each container. 0 when not known. */
  maxGroups: number;
}

/** overlayfs tells identities of files from here on. */
const firstOverlayKernel = [6, 6] as const;

/** Tries what the agent does for a container: a group, and a mark on an overlay file system where one is mounted. */
export function probeFiles(overlayMount: string | undefined): FilesProbe {
  const maxGroups = readNumber('/proc/sys/fs/fanotify/max_user_groups');
  try {
    if (overlayMount === undefined) return { ...byVersion(), maxGroups };
    const group = withFd(openSync(overlayMount, Open.path), openGroupFor);
    group.close();
    return { way: group.way, reason: 'tried on an overlay that is mounted here', maxGroups };
  } catch (error) {
    return { way: undefined, reason: String(error), maxGroups };
  }
}

function byVersion(): Pick<FilesProbe, 'way' | 'reason'> {
  new FanotifyGroup('descriptors').close();
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const isNew = major > firstOverlayKernel[0] || (major === firstOverlayKernel[0] && minor >= firstOverlayKernel[1]);
  return {
    way: isNew ? 'identities' : 'descriptors',
    reason: `no overlay is mounted to try it on, Linux ${release()}`,
  };
}

function readNumber(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}
