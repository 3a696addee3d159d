import type { Logger } from '../../../common/logger.ts';
import type { Metrics } from '../../../common/metrics.ts';
import type { Store } from '../../store/store.ts';
import type { Records } from '../papers.ts';
import { lookAgainOnUploads } from './look-again.ts';
import { PapersDirectory } from './papers-directory.ts';
import { Uploads } from './uploads.ts';

/** What is brought by API or lies in a directory, and the look-ups that follow from it. */
export interface Intake {
  uploads: Uploads;
  /** Watches the directory, and looks images up again whose papers were brought. */
  start(records: Records): void;
  close(): Promise<void>;
}

export function openIntake(
  store: Store,
  options: { directory: string | undefined; logger: Logger; metrics: Metrics },
): Intake {
  const { directory, logger, metrics } = options;
  const uploads = new Uploads(store, metrics);
  const watch = directory === undefined ? undefined : new PapersDirectory({ directory, uploads, logger });
  let stop: (() => void) | undefined;
  return {
    uploads,
    start: (records) => {
      stop = lookAgainOnUploads(uploads, store, records);
      watch?.start();
    },
    close: async () => {
      stop?.();
      await watch?.close();
    },
  };
}
