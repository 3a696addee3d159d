import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, type Stats } from 'node:fs';
import { Open, openInRoot, withFd } from '../files/syscalls.ts';
import { SystemError } from '../files/system-error.ts';

/** A directory as the image has it, below what the container wrote. */
export interface ImageDirectory {
  modifiedMs: number;
  /** There is a file in it that a mount would hide. */
  hasContent: boolean;
}

/** Entries looked at to find one that is not a mark of something removed. */
const maxEntriesSearched = 64;

/** The read-only layers of a container's root, uppermost first. Links are never followed out of a layer. */
export class ImageLayers {
  readonly #fds: number[] = [];

  /** @throws when a layer cannot be opened */
  constructor(directories: readonly string[]) {
    try {
      for (const directory of directories) this.#fds.push(openSync(directory, Open.path | constants.O_DIRECTORY));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Undefined where the image has no such directory. @throws {SystemError} when a layer cannot be read */
  directory(path: string): ImageDirectory | undefined {
    let found: ImageDirectory | undefined;
    for (const layer of this.#fds) {
      const here = lookAtDirectory(layer, path);
      if (here === 'hidden') break;
      if (here === undefined) continue;
      // What is seen of a directory is its uppermost one; what is in it, of all.
      found ??= { modifiedMs: here.modifiedMs, hasContent: false };
      found.hasContent ||= here.hasContent;
      if (found.hasContent) break;
    }
    return found;
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}

/** How overlayfs marks that a name of a lower layer is removed. */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** "hidden": what lower layers have under this name does not show. */
function lookAtDirectory(layer: number, path: string): ImageDirectory | 'hidden' | undefined {
  let fd: number;
  try {
    fd = openInRoot(layer, path === '' ? '/' : path, { noFollow: true });
  } catch (error) {
    if (error instanceof SystemError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
  return withFd(fd, () => {
    const stats = fstatSync(fd);
    if (!stats.isDirectory()) return 'hidden';
    return { modifiedMs: stats.mtimeMs, hasContent: hasContent(`/proc/self/fd/${fd}`) };
  });
}

function hasContent(directory: string): boolean {
  const entries = opendirSync(directory);
  try {
    for (let searched = 0; searched < maxEntriesSearched; searched++) {
      const entry = entries.readSync();
      if (entry === null) return false;
      if (!entry.isCharacterDevice() || !isWhiteout(lstatSync(`${directory}/${entry.name}`))) return true;
    }
    return true;
  } finally {
    entries.closeSync();
  }
}
