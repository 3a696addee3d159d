import type { FileEvent } from '../decode/kernel-event.ts';
import { ancestorsOf } from '../detect/ancestors.ts';
import { resolveProgram } from '../detect/program.ts';
import type { ProcessExecution } from '../process/process.ts';
import { type Actor, Actors, type ActorsOptions } from './actors.ts';
import type { ContainerMarks, Mark } from './container-marks.ts';
import { namesIn } from './container-root.ts';
import type { FanotifyEvent } from './decode-fanotify.ts';
import { Fan } from './fanotify.ts';
import { changesOf, type FileChange, foundIn, type Scene } from './file-changes.ts';
import { fileEventOf } from './file-event.ts';
import type { FileMetrics } from './file-metrics.ts';
import type { MutedPlaces } from './muted-places.ts';
import { Repeats } from './repeats.ts';
import type { WatchList } from './watch-list.ts';

export interface FileReporterOptions extends ActorsOptions {
  list: WatchList;
  muted: MutedPlaces;
  onEvent: (event: FileEvent) => void;
  metrics: FileMetrics;
}

/** Names looked at in a directory that has just begun to be watched. */
const maxFound = 64;
const takeUpIntervalMs = 1000;

/** Says of what the kernel told of a container's files what it was, and who did it. */
export class FileReporter {
  readonly #options: FileReporterOptions;
  readonly #actors: Actors;
  readonly #repeats = new Repeats();

  constructor(options: FileReporterOptions) {
    this.#options = options;
    this.#actors = new Actors(options);
  }

  report(marks: ContainerMarks, events: readonly FanotifyEvent[]): void {
    this.#actors.forget();
    let isReached = false;
    try {
      marks.root.use((root) => {
        isReached = true;
        this.#report(marks, events, root);
      });
    } catch (error) {
      if (isReached) throw error;
      // It has ended, or hides its files: what happened is still known, what is there now is not.
      this.#report(marks, events, undefined);
    }
  }

  /** Marks what is new, and tells of what new directories hold. @throws when the container's root cannot be reached */
  takeUp(marks: ContainerMarks, nowMs: number): void {
    marks.takenUpMs = nowMs;
    marks.isTakeUpDue = false;
    const placed = marks.place(nowMs).filter((mark) => mark.entry.kind === 'directory');
    if (placed.length > 0) marks.root.use((root) => this.#lookInto(placed, marks, root, nowMs));
  }

  #report(marks: ContainerMarks, events: readonly FanotifyEvent[], root: number | undefined): void {
    const nowMs = performance.now();
    let isNew = false;
    for (const event of events) {
      if ((event.mask & Fan.overflow) !== 0) this.#options.muted.overflowed(marks.containerId);
      // The file itself first: it may have been reached by a name in another directory.
      const mark = fileMark(marks, event) ?? marks.find(event.directory) ?? marks.find(event.oldDirectory);
      if (mark === undefined) continue;
      if (!this.#options.muted.admit(marks, mark, nowMs)) {
        this.#options.metrics.discarded.inc();
        continue;
      }
      isNew ||= this.#bringsNew({ event, mark, marks, root });
      this.#reportOne({ event, mark, marks, root }, nowMs);
    }
    if (!isNew || root === undefined) return;
    // Whoever makes directories all the time has them taken up once a second.
    if (nowMs - marks.takenUpMs >= takeUpIntervalMs) this.takeUp(marks, nowMs);
    else marks.isTakeUpDue = true;
  }

  #reportOne(scene: Scene, nowMs: number): void {
    const actor = this.#actors.of(scene.event.pid);
    if (actor.kind === 'host') {
      this.#options.metrics.changes.inc({ by: 'host' });
      return;
    }
    const onGone = (): void => this.#options.metrics.gone.inc();
    for (const change of changesOf({ ...scene, onGone }, this.#options.list)) this.#tell(change, actor, scene, nowMs);
  }

  #tell(
    change: FileChange,
    actor: Exclude<Actor, { kind: 'host' }>,
    scene: Pick<Scene, 'event' | 'marks'>,
    nowMs: number,
  ): void {
    const execution = actor.kind === 'container' ? actor.execution : undefined;
    const container = actor.kind === 'container' ? actor.container : this.#options.container(scene.marks.containerId);
    if (container === undefined) return;
    this.#options.metrics.changes.inc({ by: actor.kind });
    const { operation, path, target, mode = '' } = change;
    const fact = [container.id, ...programOf(execution), operation, path, target, mode].join('\0');
    const repeats = this.#repeats.admit(fact, nowMs);
    if (repeats === undefined) return;
    this.#options.onEvent(fileEventOf(change, { container, execution, pid: scene.event.pid, repeats }));
  }

  /** Directories and watched files that appear have to be marked themselves. */
  #bringsNew({ event, mark, marks }: Scene): boolean {
    if ((event.mask & (Fan.create | Fan.rename)) === 0) return false;
    if ((event.mask & Fan.onDirectory) !== 0) return true;
    const directory = marks.find(event.directory) ?? mark;
    return this.#options.list.fileEntry(`${directory.path}/${event.name}`) !== undefined;
  }

  #lookInto(placed: readonly Mark[], marks: ContainerMarks, root: number, nowMs: number): void {
    for (const mark of placed) {
      for (const name of namesIn(root, mark.path).slice(0, maxFound)) {
        const change = foundIn(mark, name, root, this.#options.list);
        // Whoever made it did so before anybody watched.
        if (change !== undefined) this.#tell(change, { kind: 'unknown' }, { event: unseen, marks }, nowMs);
      }
    }
  }
}

/**
 * Which program it was, and on whose behalf: what a session does is no repeat of what the container does by itself. busybox
 * and interpreters are as many programs as they have applets and scripts.
 */
export function programOf(execution: ProcessExecution | undefined): string[] {
  if (execution === undefined) return [];
  const { name, script } = resolveProgram(execution);
  const ancestors = ancestorsOf(execution);
  const first = ancestors.at(-1) ?? execution;
  return [execution.executable.path, name, script, ancestors[0]?.executable.path ?? '', first.entry];
}

const unseen: FanotifyEvent = {
  ...{ mask: 0, pid: 0, file: '', directory: '', name: '', oldDirectory: '', oldName: '' },
  fd: -1,
};

function fileMark(marks: ContainerMarks, event: FanotifyEvent): Mark | undefined {
  const mark = marks.find(event.file);
  return mark?.entry.kind === 'file' ? mark : undefined;
}
