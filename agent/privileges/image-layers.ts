import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, type Stats } from 'node:fs';
import { Open, openInRoot, withFd } from '../files/syscalls.ts';
import { SystemError } from '../files/system-error.ts';

/** What a file system mounted at a directory of the image would hide. */
export interface HiddenContent {
  /** Files, or more directories than are told. */
  hasFiles: boolean;
  /** Otherwise, all directories below it, parents first. */
  directories: { path: string; stats: Stats }[];
}

/** Entries of one directory looked at to find one that is a file. */
const maxEntriesSearched = 64;
const maxDirectoriesHidden = 16;

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

  /** The directory as the image has it; undefined where it has none. @throws {SystemError} when a layer cannot be read */
  directory(path: string): Stats | undefined {
    for (const layer of this.#fds) {
      const stats = inLayer(layer, path, (fd) => fstatSync(fd));
      if (stats !== undefined) return stats.isDirectory() ? stats : undefined;
    }
    return undefined;
  }

  /** What is in a directory of the image, of all layers. @throws {SystemError} when a layer cannot be read */
  contentOf(path: string): HiddenContent {
    const directories: HiddenContent['directories'] = [];
    const pending = [path];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const names = this.#directoriesIn(at);
      if (names === undefined || directories.length + names.length > maxDirectoriesHidden)
        return { hasFiles: true, directories: [] };
      for (const name of names) {
        const child = `${at}/${name}`;
        const stats = this.directory(child);
        if (stats === undefined) continue;
        directories.push({ path: child, stats });
        pending.push(child);
      }
    }
    return { hasFiles: false, directories };
  }

  /** Names of the directories in a directory, of all layers; undefined where there are files in it as well. */
  #directoriesIn(path: string): string[] | undefined {
    const names = new Set<string>();
    for (const layer of this.#fds) {
      const found = inLayer(layer, path, (fd) => (fstatSync(fd).isDirectory() ? entriesOf(fd) : 'hidden'));
      // What lower layers have under this name does not show.
      if (found === 'hidden') break;
      if (found === 'files') return undefined;
      for (const name of found ?? []) names.add(name);
    }
    return [...names];
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}

/** How overlayfs marks that a name of a lower layer is removed. */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** Undefined where the layer has nothing under this name. */
function inLayer<T>(layer: number, path: string, look: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openInRoot(layer, path, { noFollow: true });
  } catch (error) {
    if (error instanceof SystemError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
  return withFd(fd, look);
}

/** The names of the directories in it, or that there are files. */
function entriesOf(fd: number): string[] | 'files' {
  const directory = `/proc/self/fd/${fd}`;
  const entries = opendirSync(directory);
  const names: string[] = [];
  try {
    for (let searched = 0; searched < maxEntriesSearched; searched++) {
      const entry = entries.readSync();
      if (entry === null) return names;
      if (entry.isDirectory()) names.push(entry.name);
      else if (!isWhiteout(lstatSync(`${directory}/${entry.name}`))) return 'files';
    }
    return 'files';
  } finally {
    entries.closeSync();
  }
}
