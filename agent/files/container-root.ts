import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, errorText } from '../../common/errors.ts';
import { parseCgroupPath } from '../container/cgroup-path.ts';
import type { FileType } from '../decode/kernel-event.ts';
import { Open, openInRoot, readLinkOf, withFd } from './syscalls.ts';
import { globExpression } from './watch-list.ts';

/** What a file is, from the inode itself; a symbolic link is not followed. */
export interface FileFacts {
  type: FileType;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  sizeBytes: number;
  linkCount: number;
  device: number;
  inode: number;
  /** What a symbolic link says; empty for other files. */
  linkTarget: string;
}

const maxMatchesPerDirectory = 64;
const permissionBits = 0o7777;

/** The containers that the cgroups of a process name, outermost first; undefined when it is gone. */
export function containersOfProcess(procDirectory: string): string[] | undefined {
  let text: string;
  try {
    text = readFileSync(join(procDirectory, 'cgroup'), 'utf8');
  } catch {
    return undefined;
  }
  // The unified hierarchy, as a cgroup namespace may show it ("/../docker/…"): ids are found in any case.
  const path = text.split('\n').find((line) => line.startsWith('0::'));
  return parseCgroupPath(path?.slice(3) ?? '').containers.map(({ id }) => id);
}

/**
 * The root of a container's file system, reached through its first process. Nothing in it is held open, so that nothing is
 * kept from being unmounted; the process is held by a descriptor of its /proc directory, which a later process with the
 * same pid does not have.
 */
export class ContainerRoot {
  readonly pid: number;
  readonly #processFd: number;
  readonly #rootIdentity: string;

  /** @throws {CodedError} NOT_THE_CONTAINER when the process is gone or is not one of the container */
  constructor(procRoot: string, pid: number, containerId: string, hostMountNamespace: bigint) {
    this.pid = pid;
    this.#processFd = openProcess(join(procRoot, String(pid)));
    try {
      const containers = containersOfProcess(this.#processDirectory);
      if (containers === undefined) throw refused(pid, containerId, 'it is gone');
      if (containers.at(-1) !== containerId) throw refused(pid, containerId, 'it is in another cgroup');
      const namespace = statSync(join(this.#processDirectory, 'ns/mnt'), { bigint: true }).ino;
      if (namespace === hostMountNamespace) throw refused(pid, containerId, "its files are the host's");
      this.#rootIdentity = this.use((root) => rootIdentity(root));
    } catch (error) {
      closeSync(this.#processFd);
      throw error instanceof CodedError ? error : refused(pid, containerId, errorText(error));
    }
  }

  get #processDirectory(): string {
    return `/proc/self/fd/${this.#processFd}`;
  }

  /** Whether the files can still be reached through it. */
  get alive(): boolean {
    try {
      return this.use(() => true);
    } catch {
      return false;
    }
  }

  /** Opens the root for a moment. @throws when the process is gone, or has taken another root for itself */
  use<T>(action: (root: number) => T): T {
    const fd = openSync(join(this.#processDirectory, 'root'), Open.path | constants.O_DIRECTORY);
    return withFd(fd, (root) => {
      if (this.#rootIdentity !== undefined && rootIdentity(root) !== this.#rootIdentity)
        throw new CodedError('ROOT_CHANGED', `process ${this.pid} has changed its root directory`);
      return action(root);
    });
  }

  close(): void {
    closeSync(this.#processFd);
  }
}

function rootIdentity(root: number): string {
  const { dev, ino } = fstatSync(root, { bigint: true });
  return `${dev}:${ino}`;
}

function openProcess(directory: string): number {
  return openSync(directory, Open.path | constants.O_DIRECTORY);
}

function refused(pid: number, containerId: string, reason: string): CodedError {
  return new CodedError(
    'NOT_THE_CONTAINER',
    `process ${pid} does not show the files of container ${containerId}: ${reason}`,
  );
}

/** Looks at a file without opening it; undefined when it is not there. */
export function lookAt(root: number, path: string): FileFacts | undefined {
  try {
    return withFd(openInRoot(root, path, { noFollow: true }), factsOf);
  } catch {
    return undefined;
  }
}

/** @throws when the descriptor cannot be asked */
export function factsOf(fd: number): FileFacts {
  const stat = fstatSync(fd);
  const type = typeOf(stat.mode);
  return {
    type,
    mode: stat.mode & permissionBits,
    sizeBytes: stat.size,
    linkCount: stat.nlink,
    device: stat.dev,
    inode: stat.ino,
    linkTarget: type === 'symlink' ? readLinkOf(fd) : '',
  };
}

function typeOf(mode: number): FileType {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFDIR:
      return 'directory';
    case constants.S_IFLNK:
      return 'symlink';
    case constants.S_IFBLK:
      return 'block-device';
    case constants.S_IFCHR:
      return 'character-device';
    case constants.S_IFIFO:
      return 'fifo';
    case constants.S_IFSOCK:
      return 'socket';
    default:
      return 'regular';
  }
}

/** Paths in a container that a pattern with "*" names; a pattern without stays as it is. Bounded in each directory. */
export function expandPattern(root: number, pattern: string): string[] {
  let paths = [''];
  for (const segment of pattern.slice(1).split('/')) {
    if (!segment.includes('*')) paths = paths.map((path) => `${path}/${segment}`);
    else paths = paths.flatMap((path) => matchesIn(root, path, globExpression(segment)));
  }
  return paths;
}

function matchesIn(root: number, directory: string, expression: RegExp): string[] {
  return namesIn(root, directory)
    .filter((name) => expression.test(name))
    .slice(0, maxMatchesPerDirectory)
    .map((name) => `${directory}/${name}`);
}

/** Names in a directory of the container; none when it is not there. */
export function namesIn(root: number, directory: string): string[] {
  try {
    return withFd(openInRoot(root, directory === '' ? '/' : directory), (fd) => readdirSync(`/proc/self/fd/${fd}`));
  } catch {
    return [];
  }
}
