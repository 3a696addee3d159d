import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Cgroup } from './cgroup-index.ts';
import type { Container } from './container.ts';
import { parseUnifiedPath } from './own-cgroup.ts';

const maxRemembered = 1024;

/** Finds out whether a container whose id is in the path of a cgroup really lives there. */
export class NestedContainers {
  readonly #procRoot: string;
  /** By container and first process: where that lives. */
  readonly #paths = new LRUCache<string, string>({ max: maxRemembered });

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
  }

  /** False while that cannot be told: the container has not been started, or its first process has ended. */
  isAt(container: Container, { path }: Cgroup): boolean {
    const own = this.#ownPath(container);
    return own !== '' && (path === own || path.startsWith(`${own}/`));
  }

  /** Down to the cgroup that has the container's id; some runtimes put the first process into one below. */
  #ownPath({ id, initPid }: Container): string {
    if (initPid === 0) return '';
    const key = `${initPid} ${id}`;
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const path = readCgroupPath(this.#procRoot, initPid);
    const idAt = path.lastIndexOf(id);
    const end = path.indexOf('/', idAt);
    const own = idAt < 0 ? '' : path.slice(0, end < 0 ? undefined : end);
    this.#paths.set(key, own);
    return own;
  }
}

function readCgroupPath(procRoot: string, pid: number): string {
  try {
    return parseUnifiedPath(readFileSync(join(procRoot, String(pid), 'cgroup'), 'utf8')) ?? '';
  } catch {
    return '';
  }
}
