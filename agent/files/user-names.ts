import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Container } from '../container/container.ts';
import { hostMountNamespace } from '../sensor/host-namespaces.ts';
import { ContainerRoot } from './container-root.ts';
import { openInRoot, withFd } from './syscalls.ts';

export interface UserNamesOptions {
  container: (id: string) => Container | undefined;
  procRoot: string;
  /** How long names are kept before the file is read again. Default 60 s. */
  keepMs?: number;
}

const maxContainers = 256;
const maxFileBytes = 256 * 1024;
const maxUsers = 2_000;
const rootUid = 0;
/** What useradd accepts, and no more: the name ends up in sentences. */
const userName = /^[a-z_][a-z0-9_-]{0,31}\$?$/i;

interface KnownUsers {
  names: ReadonlyMap<number, string>;
  /** Lines of uid_map: first id inside, first id outside, how many. */
  ids: readonly (readonly [number, number, number])[];
}

const nobody: KnownUsers = { names: new Map(), ids: [] };

/**
 * Names of a container's users by its own /etc/passwd, which is read when the first one is asked for. For people only: who
 * may write the file decides what it says. "root" is uid 0 and nobody else, whatever the file says.
 */
export class UserNames {
  readonly #options: UserNamesOptions;
  readonly #hostMountNamespace: bigint;
  readonly #known: LRUCache<string, KnownUsers>;

  /** @throws {CodedError} SENSOR_UNAVAILABLE */
  constructor(options: UserNamesOptions) {
    this.#options = options;
    this.#hostMountNamespace = hostMountNamespace(options.procRoot);
    this.#known = new LRUCache({ max: maxContainers, ttl: options.keepMs ?? 60_000 });
  }

  /** `uid` is one of the host's user namespace. Undefined where the container has no name for it, or cannot be looked into. */
  nameOf(containerId: string, uid: number): string | undefined {
    let users = this.#known.get(containerId);
    if (users === undefined) {
      users = this.#read(containerId);
      this.#known.set(containerId, users);
    }
    const inside = insideId(users, uid);
    if (inside === undefined) return undefined;
    return inside === rootUid ? 'root' : users.names.get(inside);
  }

  #read(containerId: string): KnownUsers {
    const pid = this.#options.container(containerId)?.initPid ?? 0;
    if (pid === 0) return nobody;
    try {
      const root = new ContainerRoot(this.#options.procRoot, pid, containerId, this.#hostMountNamespace);
      try {
        const ids = parseIdMap(readFileSync(join(this.#options.procRoot, String(pid), 'uid_map'), 'utf8'));
        return { names: parsePasswd(root.use(readPasswd)), ids };
      } finally {
        root.close();
      }
    } catch {
      // It has ended, or has no such file: ids stay numbers.
      return nobody;
    }
  }
}

/** @throws when there is none, or it is no regular file on the container's root file system */
function readPasswd(root: number): string {
  return withFd(openInRoot(root, '/etc/passwd', { sameFileSystem: true }), (named) => {
    if (!fstatSync(named).isFile()) throw new Error('no regular file');
    // The descriptor only names the file, and keeps naming it: what is opened is what was looked at.
    const fd = openSync(`/proc/self/fd/${named}`, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(maxFileBytes);
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(fd);
    }
  });
}

/** The first name of each id. @see https://man7.org/linux/man-pages/man5/passwd.5.html */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':', 3);
    if (names.size >= maxUsers) break;
    if (!/^\d{1,10}$/.test(id) || !userName.test(name)) continue;
    const uid = Number(id);
    if (!names.has(uid) && (uid === rootUid || name !== 'root')) names.set(uid, name);
  }
  return names;
}

/** @see https://man7.org/linux/man-pages/man7/user_namespaces.7.html */
export function parseIdMap(text: string): [number, number, number][] {
  return text
    .split('\n')
    .filter((line) => /^\s*\d+\s+\d+\s+\d+\s*$/.test(line))
    .slice(0, 340)
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
}

function insideId({ ids }: KnownUsers, uid: number): number | undefined {
  for (const [inside, outside, count] of ids)
    if (uid >= outside && uid < outside + count) return inside + (uid - outside);
  return undefined;
}
