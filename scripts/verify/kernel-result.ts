import { z } from 'zod';
import type { TestCounts } from './vitest-report.ts';

const resultSchema = z.object({ ok: z.boolean(), passed: z.number(), failed: z.number() });

/**
 * What the last line of a guest's report came to. Undefined: the guest was not started, because its kernel cannot be had
 * here. A guest that was started and told nothing has died, which is one failure.
 */
export function kernelCounts(release: string, result: string | undefined): TestCounts {
  if (result === undefined) return { passed: 0, failed: 0, skipped: [`the sensor on the kernel of ${release}`] };
  const parsed = resultSchema.safeParse(parseJson(result));
  if (!parsed.success) return { passed: 0, failed: 1, skipped: [] };
  const { ok, passed, failed } = parsed.data;
  return { passed, failed: ok ? failed : Math.max(failed, 1), skipped: [] };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
