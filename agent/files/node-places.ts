import { constants, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { TokenBucket } from '../../common/token-bucket.ts';
import type { FileOperation } from '../decode/kernel-event.ts';
import { hostMountNamespace } from '../sensor/host-namespaces.ts';
import { expandPattern } from './container-root.ts';
import type { FanotifyGroup } from './fanotify.ts';
import { maskOf } from './file-operation.ts';
import { inodeOf, Open, openInRoot, withFd } from './syscalls.ts';
import type { WatchedEntry, WatchList } from './watch-list.ts';

/** A file or directory of the node that is marked. */
export interface NodePlace {
  /** On the node. */
  readonly path: string;
  readonly entry: WatchedEntry;
  readonly bucket: TokenBucket;
  /** Until when its marks are taken away because too much happened there, and how much was left out. */
  muted: { untilMs: number; fromUnixNs: bigint; events: bigint } | undefined;
}

export interface NodePlacesOptions {
  list: WatchList;
  group: FanotifyGroup;
  procRoot: string;
  logger: Logger;
  budget: { burst: number; perSecond: number };
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
const setting: WatchedEntry = {
  category: 'kernel-setting',
  why: 'programs that the kernel starts on the node',
  kind: 'file',
  operations: new Set(['write']),
  onlyNotable: false,
};

/** The marks of one group on files of the node. */
export class NodePlaces {
  readonly #options: NodePlacesOptions;
  readonly #places = new Map<string, NodePlace>();
  #byInode = new Map<string, NodePlace[]>();

  constructor(options: NodePlacesOptions) {
    this.#options = options;
    this.takeUp();
  }

  get all(): Iterable<NodePlace> {
    return this.#places.values();
  }

  /** Marks what is there now: files are replaced, and appear. */
  takeUp(): void {
    const { procRoot, list } = this.#options;
    this.#byInode = new Map();
    for (const path of [...settings.map((each) => join(procRoot, each)), ...this.#releaseAgents()])
      this.#mark(path, setting, () => openSync(path, Open.path));
    this.#inNodeRoot((root) => {
      for (const { pattern, entry } of list.nodePatterns)
        for (const path of expandPattern(root, pattern)) this.#mark(path, entry, () => openInRoot(root, path));
    });
  }

  /** The place of a file that something happened to: itself, or the directory in which it lies. */
  find(inode: string, path: string, pid: number, operation: FileOperation): NodePlace | undefined {
    const own = this.#byInode.get(inode)?.find(({ entry }) => entry.operations.has(operation));
    const directory = own ?? this.#directoryOf(path, pid);
    return directory?.entry.operations.has(operation) === true ? directory : undefined;
  }

  /** Takes the marks of a place away. */
  unmark(place: NodePlace): void {
    const unmark = (fd: number): void =>
      this.#options.group.unmark(fd, maskOf(place.entry.operations, place.entry.kind));
    try {
      if (place.entry === setting) withFd(openSync(place.path, Open.path), unmark);
      else this.#inNodeRoot((root) => withFd(openInRoot(root, place.path), unmark));
    } catch (error) {
      this.#options.logger.debug({ path: place.path, reason: errorText(error) }, 'a file of the node keeps its marks');
    }
  }

  /**
   * As the process sees it, its directory is one of the marked ones. Where the process has ended, the end of the path decides:
   * the node's directories are mounted under other paths.
   */
  #directoryOf(path: string, pid: number): NodePlace | undefined {
    const directories = [...this.#places.values()].filter(({ entry }) => entry.kind === 'directory');
    try {
      const { dev, ino } = statSync(join(this.#options.procRoot, `${pid}/root`, dirname(path)), { bigint: true });
      const [exact] = this.#byInode.get(`${dev}:${ino}`) ?? [];
      if (exact !== undefined) return exact;
    } catch {
      // It is gone.
    }
    return directories.find((place) => posix.dirname(path).endsWith(place.path)) ?? directories[0];
  }

  #releaseAgents(): string[] {
    const { readMountinfo = () => readFileSync('/proc/self/mountinfo', 'utf8'), logger } = this.#options;
    try {
      return cgroupMounts(readMountinfo()).map((mount) => join(mount, 'release_agent'));
    } catch (error) {
      logger.debug({ reason: errorText(error) }, 'cgroup hierarchies of the node are not known');
      return [];
    }
  }

  /** An agent outside of containers has the node's root itself, which is not to be seen through every pid 1. */
  #inNodeRoot(use: (root: number) => void): void {
    const path = isHostMountNamespace(this.#options.procRoot) ? '/' : join(this.#options.procRoot, '1/root');
    try {
      withFd(openSync(path, Open.path | constants.O_DIRECTORY), use);
    } catch (error) {
      this.#options.logger.debug({ path, reason: errorText(error) }, 'files of the node cannot be reached');
    }
  }

  #mark(path: string, entry: WatchedEntry, open: () => number): void {
    const key = `${path} ${entry.category} ${entry.kind}`;
    const { group, budget, logger } = this.#options;
    const bucket = (): TokenBucket => new TokenBucket(budget.burst, budget.perSecond, performance.now());
    const place = this.#places.get(key) ?? { path, entry, bucket: bucket(), muted: undefined };
    try {
      withFd(open(), (fd) => {
        if (place.muted === undefined) group.mark(fd, maskOf(entry.operations, entry.kind), entry.kind === 'directory');
        const inode = inodeOf(fd);
        this.#byInode.set(inode, [...(this.#byInode.get(inode) ?? []), place]);
      });
      this.#places.set(key, place);
    } catch (error) {
      logger.debug({ path, reason: errorText(error) }, 'a file of the node is not watched');
    }
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

function isHostMountNamespace(procRoot: string): boolean {
  return statSync('/proc/self/ns/mnt', { bigint: true }).ino === hostMountNamespace(procRoot);
}
