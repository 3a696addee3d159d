import { type Collector, createCollector } from './collector.ts';
import type { CollectorConfigInput } from './config.ts';
import type { CollectorParts } from './parts.ts';

/**
 * Runs a collector until the signal aborts. `onReady` gets it once it takes agents. Rejects with a CodedError when it cannot
 * be started; the caller decides about the process.
 */
export async function runCollector(
  config: CollectorConfigInput,
  parts: CollectorParts,
  signal: AbortSignal,
  onReady: (collector: Collector) => void = () => undefined,
): Promise<void> {
  const collector = createCollector(config, parts);
  await collector.start();
  try {
    onReady(collector);
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    await collector.close();
  }
}
