import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { kernelCounts } from './kernel-result.ts';
import type { TestCounts } from './vitest-report.ts';
import { addCounts } from './vitest-report.ts';

const releasesFile = 'test/kernels/releases';

/** Runs the sensor's smoke test on the kernels of Debian releases, emulated, and answers what their checks came to. */
export function runKernels(): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: [] };
  const releases = readFileSync(releasesFile, 'utf8').split('\n').filter(Boolean);
  const resultFile = (release: string): string => `.build/kernels/${release}/result.json`;
  for (const release of releases) rmSync(resultFile(release), { force: true });
  console.log('\n── the sensor on other kernels');
  spawnSync('scripts/test-kernels.sh', releases, { stdio: ['ignore', 'inherit', 'inherit'] });
  for (const release of releases) {
    const path = resultFile(release);
    addCounts(counts, kernelCounts(release, existsSync(path) ? readFileSync(path, 'utf8') : undefined));
  }
  return counts;
}
