import { posix } from 'node:path';
import type { LRUCache } from 'lru-cache';
import { growingLru } from '../../common/lru.ts';
import type { FileWrite } from '../detect/sentence-facts.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import { Actors, type ActorsOptions } from './actors.ts';
import type { ContainerMarks } from './container-marks.ts';
import type { FanotifyEvent } from './decode-fanotify.ts';
import { Fan } from './fanotify.ts';

const maxContainers = 4_096;
const maxPathsPerContainer = 512;
const written = Fan.closeWrite | Fan.modify;

/** Who last wrote which file of a container, for the sentences of findings: of watched places, and not for ever. */
export class FileWrites {
  readonly #actors: Actors;
  readonly #containers = growingLru<string, LRUCache<string, FileWrite>>(maxContainers);
  /** Read from the kernel, and not looked at yet. */
  #waiting: { marks: ContainerMarks; events: readonly FanotifyEvent[] }[] = [];

  constructor(options: ActorsOptions) {
    this.#actors = new Actors(options);
  }

  /** Events that the kernel has told; who it was can be asked once the sensor's records before them have been read. */
  take(marks: ContainerMarks, events: readonly FanotifyEvent[]): void {
    this.#waiting.push({ marks, events });
  }

  /** To be called when all processes that acted in what was taken are known, as far as they will ever be. */
  settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#actors.forget();
    for (const { marks, events } of waiting) for (const event of events) this.#note(marks, event);
  }

  last(containerId: string, path: string): FileWrite | undefined {
    if (this.#waiting.length > 0) this.settle();
    return this.#containers.get(containerId)?.get(path);
  }

  #note(marks: ContainerMarks, event: FanotifyEvent): void {
    if ((event.mask & (written | Fan.rename)) === 0 || (event.mask & Fan.onDirectory) !== 0) return;
    const path = pathIn(marks, event.directory, event.name) ?? marks.find(event.file)?.path;
    if (path === undefined) return;
    const paths = this.#pathsOf(marks.containerId);
    const former = pathIn(marks, event.oldDirectory, event.oldName);
    const known = former === undefined ? undefined : paths.get(former);
    // Whoever gives a file another name has not written it, if it is known who did.
    const isOnlyMoved = (event.mask & Fan.rename) !== 0 && known !== undefined;
    paths.set(path, isOnlyMoved ? known : this.#writeBy(event.pid));
    if (former !== undefined) paths.delete(former);
  }

  #writeBy(pid: number): FileWrite {
    const actor = this.#actors.of(pid);
    const execution = actor.kind === 'container' ? actor.execution : undefined;
    return { by: actor.kind, execution, ktimeNs: readClockNs(Clock.boottime) };
  }

  #pathsOf(containerId: string): LRUCache<string, FileWrite> {
    let paths = this.#containers.get(containerId);
    if (paths === undefined) {
      paths = growingLru<string, FileWrite>(maxPathsPerContainer);
      this.#containers.set(containerId, paths);
    }
    return paths;
  }
}

function pathIn(marks: ContainerMarks, directory: string, name: string): string | undefined {
  const mark = marks.find(directory);
  return mark === undefined || name === '' || name === '.' ? undefined : posix.join(mark.path, name);
}
