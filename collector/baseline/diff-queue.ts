import { baselineIdOf } from '../../common/baseline-key.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Records } from '../records/papers.ts';
import type { BaselineBook } from './baseline-book.ts';
import { type BaselineHead, isOpen } from './head.ts';
import { changedPaths, type SbomDifference } from './sbom-diff.ts';

export interface DiffQueueOptions {
  book: BaselineBook;
  records: Pick<Records, 'lookup'>;
  changed(baselineId: string): void;
  logger: Logger;
}

/** With whether it is known by now what changed with the image before. */
type Outcome = (SbomDifference & { formerIsOpen: boolean }) | { unknown: string };

/** Finds out, one after the other, what changed between the digests of inherited baselines. */
export class DiffQueue {
  readonly #options: DiffQueueOptions;
  #running = false;
  #closed = false;

  constructor(options: DiffQueueOptions) {
    this.#options = options;
  }

  /** Looks whether there is something to do. */
  wake(): void {
    if (this.#running || this.#closed) return;
    for (const head of this.#options.book.heads.values()) {
      if (!head.diffDue) continue;
      this.#running = true;
      void this.#compare(head).finally(() => {
        this.#running = false;
      });
      return;
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #compare(head: BaselineHead): Promise<void> {
    const { book, changed, logger } = this.#options;
    let outcome: Outcome;
    try {
      outcome = await this.#changedPaths(head);
    } catch (thrown) {
      logger.warn({ err: thrown, ...head.key }, 'the SBOMs of two images could not be compared');
      outcome = { unknown: errorText(thrown) };
    }
    if (this.#closed || !head.diffDue || !book.heads.has(head.id)) return;
    head.diffDue = false;
    if ('unknown' in outcome) head.diffNote = `what changed is not known: ${outcome.unknown}`;
    else if (isOpen(head)) {
      head.diffNote = `the SBOMs of the two images differ in ${outcome.packages} packages`;
      // What was learned meanwhile stays open.
      head.openPaths = [...new Set([...head.openPaths, ...outcome.paths])].sort();
      head.newPathsOpen = outcome.formerIsOpen;
    }
    book.headChanged(head.id);
    changed(head.id);
  }

  async #changedPaths(head: BaselineHead): Promise<Outcome> {
    const { book, records } = this.#options;
    const before = book.heads.get(baselineIdOf({ ...head.key, imageDigest: head.inheritedFrom ?? '' }));
    if (before?.image === undefined || head.image === undefined) return { unknown: 'an image has no name to look for' };
    const [old, current] = await Promise.all([records.lookup(before.image), records.lookup(head.image)]);
    if (old.sbom === undefined) return { unknown: `the former image: ${old.papers.sbom.reason}` };
    if (current.sbom === undefined) return { unknown: `this image: ${current.papers.sbom.reason}` };
    return { ...changedPaths(old.sbom, current.sbom), formerIsOpen: before.newPathsOpen };
  }
}
