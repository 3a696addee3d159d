import type { Logger } from '../../common/logger.ts';
import type { FileWrite } from '../detect/sentence-facts.ts';
import type { ActorsOptions } from './actors.ts';
import type { ContainerMarks } from './container-marks.ts';
import type { FanotifyEvent } from './decode-fanotify.ts';
import type { FileMetrics } from './file-metrics.ts';
import { FileWrites } from './file-writes.ts';
import type { MutedPlaces } from './muted-places.ts';

export interface FileReadsOptions extends ActorsOptions {
  muted: MutedPlaces;
  metrics: FileMetrics;
  logger: Logger;
}

/** Events of a container's files that were read together. */
export interface FileBatch {
  marks: ContainerMarks;
  events: FanotifyEvent[];
}

/** Reads what the kernel has to tell of files, in its turn or before, and remembers who wrote them last. */
export class FileReads {
  readonly #options: FileReadsOptions;
  readonly #writes: FileWrites;
  /** Read before their turn, because somebody asked who wrote a file. */
  readonly #early = new Map<ContainerMarks, FanotifyEvent[]>();

  constructor(options: FileReadsOptions) {
    this.#options = options;
    this.#writes = new FileWrites(options);
  }

  /** What waits now, and what was read before its turn. */
  collect(all: Iterable<ContainerMarks | undefined>): FileBatch[] {
    const batches: FileBatch[] = [];
    for (const marks of all) {
      if (marks === undefined) continue;
      const early = this.#early.get(marks) ?? [];
      this.#early.delete(marks);
      const events = [...early, ...this.#readNow(marks)];
      if (events.length > 0) batches.push({ marks, events });
    }
    return batches;
  }

  /** Reads what waits before its turn, and keeps it for that; answers whether there was anything. */
  readEarly(marks: ContainerMarks): boolean {
    const events = this.#readNow(marks);
    if (events.length > 0) this.#early.set(marks, [...(this.#early.get(marks) ?? []), ...events]);
    return events.length > 0;
  }

  /** To be called when all processes that acted in what was read are known, as far as they will ever be. */
  settle(): void {
    this.#writes.settle();
  }

  /** Who last wrote a file, as far as that was read. */
  lastWrite(containerId: string, path: string): FileWrite | undefined {
    return this.#writes.last(containerId, path);
  }

  /** A bounded part of what the kernel has to tell. */
  #readNow(marks: ContainerMarks): FanotifyEvent[] {
    const events: FanotifyEvent[] = [];
    try {
      marks.read((event) => events.push(event));
    } catch (error) {
      this.#options.metrics.invalid.inc();
      this.#options.logger.warn({ err: error, containerId: marks.containerId }, 'events of files were skipped');
      this.#options.muted.overflowed(marks.containerId);
    }
    if (events.length > 0) this.#writes.take(marks, events);
    return events;
  }
}
