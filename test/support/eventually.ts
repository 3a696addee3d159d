import { vi } from 'vitest';

/** Generous, because it only says when to give up: a machine that is busy must not fail a test. */
const giveUpAfterMs = 20_000;

/** Resolves once the assertion holds, with what it returns; rejects with its last failure. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: giveUpAfterMs, interval: 5 });
}
