import { Backoff, sleep } from '../../common/backoff.ts';
import type { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';

/** True for failures that pass: a full disk, a file in use. What failed may be tried again. */
export function isStoreFailure(thrown: unknown): boolean {
  return thrown instanceof CodedError && thrown.code.startsWith('store-');
}

/**
 * Does a thing that writes to the store, again and again while the store cannot; other failures are thrown. Throws the
 * store's failure once the signal aborts.
 */
export async function untilStored<T>(
  work: () => T | Promise<T>,
  episode: Episode,
  signal: AbortSignal,
  backoff = new Backoff({ initialMs: 200, maxMs: 5_000 }),
): Promise<T> {
  for (;;) {
    try {
      const answer = await work();
      episode.recovered();
      return answer;
    } catch (thrown) {
      if (!isStoreFailure(thrown) || signal.aborted) throw thrown;
      episode.failed(errorText(thrown));
      await sleep(backoff.nextDelayMs(), signal);
    }
  }
}
