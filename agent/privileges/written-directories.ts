import { closeSync, constants, type Dirent, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Open, openInRoot } from '../files/syscalls.ts';
import type { HiddenContent, ImageLayers } from './image-layers.ts';

/** A directory of the image in which something was created, changed or removed. */
export interface WrittenDirectory {
  path: string;
  stats: Stats;
  hidden: HiddenContent;
  /** Owners of what was written, at most 8. */
  ownerUids: Set<number>;
  writtenBytes: number;
  /** The name of one thing written, as seen from the directory; empty when nothing is left. */
  example: string;
}

export interface WrittenFiles {
  directories: WrittenDirectory[];
  /** Why it may not be all; empty when it is. */
  incompleteReason: string;
}

export interface WalkOptions {
  /** What was last changed by then (Unix ms) is the runtime's set-up, not the container's work. */
  setUpUntilMs: number;
  signal: AbortSignal;
  /** Default 20 000. */
  maxEntries?: number;
  /** Default 64. */
  maxDirectories?: number;
}

const maxDepth = 64;
const maxOwners = 8;
const maxExampleCharacters = 256;
/** Entries looked at before events get their turn again. */
const batchEntries = 256;

/** A directory of the upper layer that is to be looked through. */
interface Pending {
  path: string;
  depth: number;
  /** The directory of the image that it is, or is in. */
  home: WrittenDirectory;
  /** When the image's was last changed; undefined for one that the image does not have. */
  imageModifiedMs: number | undefined;
}

/**
 * What a container has written to its root, from the upper directory of its overlay. overlayfs copies a directory up
 * before anything in it is changed, and keeps its time then: one whose time differs from the image's was written in, also
 * when nothing of it is left. Names are only ever resolved within the upper directory: the container goes on meanwhile and
 * may replace what is there by links.
 * @see https://docs.kernel.org/filesystems/overlayfs.html
 * @throws when the upper directory or a layer cannot be read
 */
export async function findWrittenDirectories(
  upperDirectory: string,
  layers: ImageLayers,
  options: WalkOptions,
): Promise<WrittenFiles> {
  const upper = openSync(upperDirectory, Open.path | constants.O_DIRECTORY);
  try {
    return await new Walk(upper, layers, options).run();
  } finally {
    closeSync(upper);
  }
}

class Walk {
  readonly #upper: number;
  readonly #layers: ImageLayers;
  readonly #options: WalkOptions;
  readonly #written = new Set<WrittenDirectory>();
  readonly #pending: Pending[] = [];
  #entries = 0;
  #incompleteReason = '';

  constructor(upper: number, layers: ImageLayers, options: WalkOptions) {
    this.#upper = upper;
    this.#layers = layers;
    this.#options = options;
  }

  async run(): Promise<WrittenFiles> {
    const root = fstatSync(this.#upper);
    // The uppermost directory is no copy: as it was made, nothing has been written in it.
    this.#pending.push({ path: '', depth: 0, home: homeAt('/', root), imageModifiedMs: root.birthtimeMs });
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      if (this.#incompleteReason !== '' || this.#options.signal.aborted) break;
      await this.#lookThrough(next);
    }
    if (this.#options.signal.aborted) this.#incompleteReason = 'the agent was stopped meanwhile';
    return { directories: [...this.#written], incompleteReason: this.#incompleteReason };
  }

  async #lookThrough(directory: Pending): Promise<void> {
    let fd: number;
    try {
      fd = openInRoot(this.#upper, directory.path === '' ? '/' : directory.path, { noFollow: true });
    } catch {
      return; // Removed meanwhile.
    }
    try {
      const stats = fstatSync(fd);
      if (!stats.isDirectory()) return;
      if (this.#wasWrittenIn(stats, directory.imageModifiedMs)) this.#note(directory.home, '', undefined);
      await this.#lookAtEntries(`/proc/self/fd/${fd}`, directory);
    } finally {
      closeSync(fd);
    }
  }

  #wasWrittenIn({ mtimeMs }: Stats, imageModifiedMs: number | undefined): boolean {
    return mtimeMs > this.#options.setUpUntilMs && mtimeMs !== imageModifiedMs;
  }

  async #lookAtEntries(openDirectory: string, directory: Pending): Promise<void> {
    const { signal, maxEntries = 20_000 } = this.#options;
    for await (const entry of await opendir(openDirectory)) {
      if (++this.#entries > maxEntries) this.#incompleteReason = `it holds more than ${maxEntries} files`;
      if (this.#incompleteReason !== '' || signal.aborted) return;
      if (this.#entries % batchEntries === 0) await setImmediate();
      this.#lookAt(entry, `${openDirectory}/${entry.name}`, directory);
    }
  }

  #lookAt(entry: Dirent, openPath: string, { path, depth, home, imageModifiedMs }: Pending): void {
    let stats: Stats;
    try {
      stats = lstatSync(openPath);
    } catch {
      return; // Removed meanwhile.
    }
    const child = path === '' ? entry.name : `${path}/${entry.name}`;
    if (stats.isDirectory()) this.#enter(child, depth + 1, stats, { home, imageModifiedMs });
    // Nobody can set this time, but by setting the clock.
    else if (stats.ctimeMs > this.#options.setUpUntilMs) this.#note(home, child, stats);
  }

  #enter(path: string, depth: number, stats: Stats, parent: Pick<Pending, 'home' | 'imageModifiedMs'>): void {
    if (depth > maxDepth) {
      this.#incompleteReason = `there are directories more than ${maxDepth} deep`;
      return;
    }
    const isNew = parent.imageModifiedMs === undefined;
    const imageModifiedMs = isNew ? undefined : this.#layers.directory(path)?.mtimeMs;
    if (imageModifiedMs !== undefined) {
      this.#pending.push({ path, depth, home: homeAt(`/${path}`, stats), imageModifiedMs });
      return;
    }
    if (stats.ctimeMs > this.#options.setUpUntilMs) this.#note(parent.home, `${path}/`, stats);
    this.#pending.push({ path, depth, home: parent.home, imageModifiedMs });
  }

  #hiddenBy(path: string): HiddenContent {
    return path === '/' ? { hasFiles: true, directories: [] } : this.#layers.contentOf(path);
  }

  #note(home: WrittenDirectory, path: string, stats: Stats | undefined): void {
    const { maxDirectories = 64 } = this.#options;
    if (!this.#written.has(home) && this.#written.size >= maxDirectories) {
      this.#incompleteReason = `more than ${maxDirectories} directories were written in`;
      return;
    }
    if (!this.#written.has(home)) home.hidden = this.#hiddenBy(home.path);
    this.#written.add(home);
    if (stats === undefined) return;
    if (home.example === '')
      home.example = path.slice(home.path === '/' ? 0 : home.path.length).slice(0, maxExampleCharacters);
    if (home.ownerUids.size < maxOwners) home.ownerUids.add(stats.uid);
    // Sparse files are as large as what was written of them.
    home.writtenBytes += stats.blocks * 512;
  }
}

function homeAt(path: string, stats: Stats): WrittenDirectory {
  const hidden = { hasFiles: true, directories: [] };
  return { path, stats, hidden, ownerUids: new Set<number>(), writtenBytes: 0, example: '' };
}
