import { describe, expect, it } from 'vitest';
import { kernelCounts } from './kernel-result.ts';

describe('kernelCounts', () => {
  it('counts every check of a guest', () => {
    const result = JSON.stringify({ kernel: '6.1', ok: false, passed: 30, failed: 2, outcomes: [] });
    expect(kernelCounts('bookworm', result)).toEqual({ passed: 30, failed: 2, skipped: [] });
  });

  it('counts a guest that told nothing, or half a line, as one failure', () => {
    for (const result of ['', '{"kernel":"6.1","ok":tr', 'node ended with 1', '{"ok":false,"passed":0,"failed":0}'])
      expect(kernelCounts('bookworm', result)).toEqual({ passed: 0, failed: 1, skipped: [] });
  });

  it('names the kernel that could not be had', () => {
    expect(kernelCounts('forky', undefined)).toEqual({
      passed: 0,
      failed: 0,
      skipped: ['the sensor on the kernel of forky'],
    });
  });
});
