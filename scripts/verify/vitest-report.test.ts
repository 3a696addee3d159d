import { describe, expect, it } from 'vitest';
import { addCounts, countTests, summaryLine } from './vitest-report.ts';

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((test, index) => ({ fullName: `test ${index}`, status: test })),
});

describe('countTests', () => {
  it('counts what passed, failed and did not run', () => {
    const counts = countTests({
      testResults: [file('failed', 'passed', 'failed', 'pending', 'todo'), file('passed', 'passed')],
    });
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: ['test 2', 'test 3'] });
    expect(summaryLine(counts)).toBe('2 passed, 1 failed, 2 skipped');
  });

  it('counts a file that did not load, or whose hook threw, as a failure', () => {
    expect(countTests({ testResults: [file('failed')] }).failed).toBe(1);
    expect(countTests({ testResults: [file('failed', 'pending')] })).toMatchObject({ failed: 1, skipped: ['test 0'] });
  });

  it('refuses what is no report', () => {
    expect(() => countTests({ tests: 4 })).toThrow();
  });
});

it('adds up projects and says nothing of skipped tests when there are none', () => {
  const sum = { passed: 1, failed: 0, skipped: [] };
  addCounts(sum, { passed: 2, failed: 0, skipped: [] });
  expect(summaryLine(sum)).toBe('3 passed, 0 failed');
});
