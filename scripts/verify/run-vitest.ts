import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import type { TestCounts } from './vitest-report.ts';
import { countTests } from './vitest-report.ts';

/** Runs one vitest project with its output on the terminal and answers what its tests came to. */
export function runVitest(project: string): TestCounts {
  const report = `.build/reports/${project}.json`;
  mkdirSync('.build/reports', { recursive: true });
  rmSync(report, { force: true });
  console.log(`\n── ${project} tests`);
  const { status } = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      `--project=${project}`,
      // All cores: nobody edits beside it. The other projects run one file at a time whatever is said here.
      '--maxWorkers=100%',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (!existsSync(report)) {
    console.log(`✘ the ${project} tests ended without a report (exit code ${status})`);
    return { passed: 0, failed: 1, skipped: [] };
  }
  const counts = countTests(JSON.parse(readFileSync(report, 'utf8')));
  // An unhandled rejection fails the run without failing a test.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
