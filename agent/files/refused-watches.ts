import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { Clock, readClockNs } from '../sensor/libc.ts';
import type { FileMetrics } from './file-metrics.ts';

export interface RefusedWatchesOptions {
  onGap: (gap: Gap) => void;
  logger: Logger;
  metrics: FileMetrics;
}

const hints: Record<string, string> = {
  EMFILE: ' (raise the sysctl fs.fanotify.max_user_groups: one is needed for each container)',
  EPERM: ' (CAP_SYS_ADMIN is needed)',
};

/** What it looks like when a container ends while its files are being marked. */
const ended = new Set(['NOT_THE_CONTAINER', 'ENOENT', 'ESRCH']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
}

/** Tells of containers whose files cannot be watched: each by a gap, each cause once in the log until it works again. */
export class RefusedWatches {
  readonly #options: RefusedWatchesOptions;
  readonly #logged = new Set<string>();

  constructor(options: RefusedWatchesOptions) {
    this.#options = options;
  }

  refused(containerId: string, error: unknown): void {
    const { logger, metrics, onGap } = this.#options;
    const code = codeOf(error);
    metrics.refused.inc({ code });
    // A container that ended at once, or whose runtime tells a pid from before: its next update brings it again.
    if (ended.has(code)) return;
    const reason = `its files are not watched: ${errorText(error)}${hints[code] ?? ''}`;
    if (!this.#logged.has(code)) logger.warn({ containerId, reason }, 'the files of containers are not watched');
    this.#logged.add(code);
    const now = readClockNs(Clock.realtime);
    onGap({
      ...{ hop: 'fanotify', type: 'file', count: 1n, fromUnixNs: now, toUnixNs: now },
      ...{ containerIds: [containerId], reason, ongoing: false, totalCount: 1n },
    });
  }

  worked(): void {
    this.#logged.clear();
  }
}
