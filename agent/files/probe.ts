import { openSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { FanotifyGroup } from './fanotify.ts';
import { maskOf } from './file-operation.ts';
import { identityOf, Open, withFd } from './syscalls.ts';
import { SystemError } from './system-error.ts';

export interface FilesProbe {
  /** Undefined when files cannot be watched at all. */
  way: 'identities and names' | undefined;
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
  let group: FanotifyGroup;
  try {
    group = new FanotifyGroup();
  } catch (error) {
    return { way: undefined, reason: String(error), maxGroups };
  }
  try {
    if (overlayMount !== undefined) {
      tryMark(group, overlayMount);
      return { way: 'identities and names', reason: `tried on ${overlayMount}`, maxGroups };
    }
    const [major = 0, minor = 0] = release().split('.').map(Number);
    const isNew = major > firstOverlayKernel[0] || (major === firstOverlayKernel[0] && minor >= firstOverlayKernel[1]);
    if (isNew) return { way: 'identities and names', reason: 'no overlay is mounted to try it on', maxGroups };
    return { way: undefined, reason: 'overlayfs tells no identities of files before Linux 6.6', maxGroups };
  } catch (error) {
    return {
      way: undefined,
      reason: `${overlayMount}: ${error instanceof SystemError ? error.message : error}`,
      maxGroups,
    };
  } finally {
    group.close();
  }
}

function tryMark(group: FanotifyGroup, directory: string): void {
  const fd = openSync(directory, Open.path);
  withFd(fd, () => {
    identityOf(fd);
    group.mark(fd, maskOf(['create', 'delete', 'rename', 'chmod', 'write'], 'directory'), true);
  });
}

function readNumber(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}
