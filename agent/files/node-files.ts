import { readlinkSync } from 'node:fs';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { FileEvent, FileOperation } from '../decode/kernel-event.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import { Actors, type ActorsOptions } from './actors.ts';
import { decodeFanotify } from './decode-fanotify.ts';
import { Fan, FanotifyGroup } from './fanotify.ts';
import type { FileChange } from './file-changes.ts';
import { fileEventOf } from './file-event.ts';
import type { FileMetrics } from './file-metrics.ts';
import { programOf } from './file-reporter.ts';
import { type NodePlace, NodePlaces } from './node-places.ts';
import { Repeats } from './repeats.ts';
import { inodeOf, withFd } from './syscalls.ts';
import type { WatchList } from './watch-list.ts';

export interface NodeFilesOptions extends ActorsOptions {
  list: WatchList;
  onEvent: (event: FileEvent) => void;
  onGap: (gap: Gap) => void;
  metrics: FileMetrics;
  logger: Logger;
  /** How much may happen at one place. */
  budget: { burst: number; perSecond: number };
  /** How long a place is left alone that was over its budget. */
  muteMs: number;
  /** /proc/self/mountinfo; for tests. */
  readMountinfo?: () => string;
}

const maxReadsAtOnce = 4;

interface Act {
  pid: number;
  path: string;
  operation: FileOperation;
  place: NodePlace;
}

/**
 * Files of the node: settings by which the kernel runs programs, secrets, and what runs there. A container reaches them under
 * any path where they are mounted into it, or where it mounts them itself. Their inodes are the same.
 */
export class NodeFiles {
  readonly #options: NodeFilesOptions;
  readonly #group = new FanotifyGroup('descriptors');
  readonly #places: NodePlaces;
  readonly #actors: Actors;
  readonly #repeats = new Repeats();

  /** @throws {SystemError} when there can be no group */
  constructor(options: NodeFilesOptions) {
    this.#options = options;
    this.#actors = new Actors(options);
    this.#places = new NodePlaces({ ...options, group: this.#group });
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
      decodeFanotify(batch, ({ fd, pid, mask }) => {
        if (fd >= 0) acts.push(...withFd(fd, (file) => this.#actsOf(file, pid, mask)));
      });
    }
    return acts.length === 0 ? undefined : () => this.#report(acts);
  }

  /** To be called now and then: places that were left alone are watched again, after others `isDue` what was replaced. */
  tick(nowMs: number, isDue: boolean): void {
    let isOver = false;
    for (const place of this.#places.all) {
      if (place.muted === undefined || place.muted.untilMs > nowMs) continue;
      this.#tellGap(place, place.muted);
      place.muted = undefined;
      isOver = true;
    }
    if (isOver || isDue) this.#places.takeUp();
  }

  close(): void {
    this.#group.close();
  }

  #actsOf(file: number, pid: number, mask: number): Act[] {
    const path = readlinkSync(`/proc/self/fd/${file}`);
    const inode = inodeOf(file);
    return operationsOf(mask).flatMap((operation) => {
      const place = this.#places.find(inode, path, pid, operation);
      return place !== undefined && this.#admit(place) ? [{ pid, path, operation, place }] : [];
    });
  }

  #admit(place: NodePlace): boolean {
    const nowMs = performance.now();
    if (place.muted === undefined && place.bucket.take(nowMs)) return true;
    this.#options.metrics.discarded.inc();
    if (place.muted !== undefined) {
      place.muted.events++;
      return false;
    }
    place.muted = { untilMs: nowMs + this.#options.muteMs, fromUnixNs: readClockNs(Clock.realtime), events: 1n };
    this.#places.unmark(place);
    return false;
  }

  #report(acts: readonly Act[]): void {
    this.#actors.forget();
    for (const { pid, path, operation, place } of acts) {
      const actor = this.#actors.of(pid);
      this.#options.metrics.changes.inc({ by: actor.kind });
      if (actor.kind !== 'container') continue;
      const fact = [actor.container.id, ...programOf(actor.execution), operation, path].join('\0');
      const repeats = this.#repeats.admit(fact, performance.now());
      if (repeats === undefined) continue;
      const change: FileChange = {
        ...{ operation, path, target: '', targetCategory: '', category: place.entry.category, watchedPath: place.path },
        ...{ fileType: 'regular', mode: undefined, sizeBytes: undefined },
      };
      this.#options.onEvent(fileEventOf(change, { ...actor, pid, repeats }));
    }
  }

  #tellGap(place: NodePlace, { fromUnixNs, events }: NonNullable<NodePlace['muted']>): void {
    const reason = `over budget: ${place.path} of the node was not watched; this many events at least`;
    this.#options.onGap({
      ...{ hop: 'fanotify', type: 'file', count: events, fromUnixNs, toUnixNs: readClockNs(Clock.realtime) },
      ...{ containerIds: [], reason, ongoing: false, totalCount: events },
    });
  }
}

function operationsOf(mask: number): FileOperation[] {
  const operations: FileOperation[] = [];
  if ((mask & Fan.open) !== 0) operations.push('open');
  if ((mask & Fan.access) !== 0) operations.push('read');
  if ((mask & (Fan.modify | Fan.closeWrite)) !== 0) operations.push('write');
  return operations;
}

/** Undefined, and said in the log, where there can be no group. */
export function openNodeFiles(options: NodeFilesOptions): NodeFiles | undefined {
  try {
    return new NodeFiles(options);
  } catch (error) {
    options.logger.warn({ reason: errorText(error) }, 'files of the node are not watched');
    return undefined;
  }
}
