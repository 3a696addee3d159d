import { openSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { FileEvent } from '../decode/kernel-event.ts';
import { Actors, type ActorsOptions } from './actors.ts';
import { decodeFanotify } from './decode-fanotify.ts';
import { FanotifyGroup } from './fanotify.ts';
import type { FileChange } from './file-changes.ts';
import { fileEventOf } from './file-event.ts';
import type { FileMetrics } from './file-metrics.ts';
import { maskOf } from './file-operation.ts';
import { Repeats } from './repeats.ts';
import { inodeOf, Open, withFd } from './syscalls.ts';

export interface NodeFilesOptions extends ActorsOptions {
  onEvent: (event: FileEvent) => void;
  metrics: FileMetrics;
  logger: Logger;
  /** /proc/self/mountinfo; for tests. */
  readMountinfo?: () => string;
}

const settings = [
  'sys/kernel/core_pattern',
  'sys/kernel/modprobe',
  'sys/fs/binfmt_misc/register',
  'sys/kernel/sysrq',
  'sysrq-trigger',
];
const written = maskOf(['write'], 'file');
const maxReadsAtOnce = 4;

interface Act {
  pid: number;
  path: string;
  watchedPath: string;
}

/**
 * Settings of the node by which the kernel runs programs: in the node's own /proc and cgroup hierarchies, which a container
 * reaches under any path where they are mounted into it, or where it mounts them itself. Their inodes are the same.
 */
export class NodeFiles {
  readonly #options: NodeFilesOptions;
  readonly #group = new FanotifyGroup('descriptors');
  readonly #actors: Actors;
  readonly #repeats = new Repeats();
  readonly #paths = new Map<string, string>();

  /** @throws {SystemError} when there can be no group */
  constructor(options: NodeFilesOptions) {
    this.#options = options;
    this.#actors = new Actors(options);
    const { procRoot, readMountinfo = () => readFileSync('/proc/self/mountinfo', 'utf8') } = options;
    for (const path of settings) this.#mark(join(procRoot, path));
    for (const mount of cgroupMounts(readMountinfo())) this.#mark(join(mount, 'release_agent'));
  }

  get fd(): number {
    return this.#group.fd;
  }

  /** Takes what has happened; tells of it when the answer is called, once the process tree is up to date. */
  read(): (() => void) | undefined {
    const acts: Act[] = [];
    for (let reads = 0; reads < maxReadsAtOnce; reads++) {
      const batch = this.#group.read();
      if (batch.length === 0) break;
      decodeFanotify(batch, ({ fd, pid }) => {
        if (fd >= 0) acts.push({ pid, ...withFd(fd, (file) => this.#placeOf(file)) });
      });
    }
    return acts.length === 0 ? undefined : () => this.#report(acts);
  }

  close(): void {
    this.#group.close();
  }

  #report(acts: readonly Act[]): void {
    this.#actors.forget();
    for (const { pid, path, watchedPath } of acts) {
      const actor = this.#actors.of(pid);
      this.#options.metrics.changes.inc({ by: actor.kind });
      if (actor.kind !== 'container') continue;
      const repeats = this.#repeats.admit(`${actor.container.id} ${path}`, performance.now());
      if (repeats === undefined) continue;
      const change: FileChange = {
        ...{ operation: 'write', path, target: '', targetCategory: '', category: 'kernel-setting', watchedPath },
        ...{ fileType: 'regular', mode: undefined, sizeBytes: undefined },
      };
      this.#options.onEvent(fileEventOf(change, { ...actor, pid, repeats }));
    }
  }

  /** The path is the container's own: that of the mount by which the file was reached. */
  #placeOf(fd: number): { path: string; watchedPath: string } {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    return { path, watchedPath: this.#paths.get(inodeOf(fd)) ?? path };
  }

  #mark(path: string): void {
    try {
      withFd(openSync(path, Open.path), (fd) => {
        this.#group.mark(fd, written, false);
        this.#paths.set(inodeOf(fd), path);
      });
    } catch (error) {
      this.#options.logger.debug({ path, reason: errorText(error) }, 'a setting of the node is not watched');
    }
  }
}

/** Undefined, and said in the log, where there can be no group. */
export function openNodeFiles(options: NodeFilesOptions): NodeFiles | undefined {
  try {
    return new NodeFiles(options);
  } catch (error) {
    options.logger.warn({ reason: errorText(error) }, 'settings of the node are not watched');
    return undefined;
  }
}

/** Where cgroup v1 hierarchies are mounted with their root, from a mountinfo file. */
export function cgroupMounts(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [, , , root, path] = before.split(' ');
    return after.startsWith('cgroup ') && root === '/' && path !== undefined ? [path] : [];
  });
}
