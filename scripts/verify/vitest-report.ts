import { z } from 'zod';

/** What one vitest project came to. */
export interface TestCounts {
  passed: number;
  failed: number;
  /** Tests that did not run, by full name. */
  skipped: string[];
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/**
 * Counts the tests of a vitest JSON report. A file that failed without a failed test (it did not load, or a hook threw)
 * counts as one failure: it must not look like fewer tests.
 */
export function countTests(report: unknown): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: [] };
  for (const file of reportSchema.parse(report).testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') failedHere++;
      else counts.skipped.push(test.fullName);
    }
    if (file.status === 'failed' && failedHere === 0) failedHere = 1;
    counts.failed += failedHere;
  }
  return counts;
}

export function addCounts(sum: TestCounts, counts: TestCounts): void {
  sum.passed += counts.passed;
  sum.failed += counts.failed;
  sum.skipped.push(...counts.skipped);
}

/** The closing line of a run, readable by people and by machines. */
export function summaryLine(counts: TestCounts): string {
  const skipped = counts.skipped.length === 0 ? '' : `, ${counts.skipped.length} skipped`;
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}
