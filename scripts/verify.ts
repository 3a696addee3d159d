// verify.ts check | test | generate: what `make check`, `make test` and `make generate` do once everything is set up.
import { spawnSync } from 'node:child_process';
import { generatedChecks, generateSteps } from './verify/generated.ts';
import { runKernels } from './verify/run-kernels.ts';
import type { Step } from './verify/run-step.ts';
import { runStep } from './verify/run-step.ts';
import { runVitest } from './verify/run-vitest.ts';
import type { TestCounts } from './verify/vitest-report.ts';
import { addCounts, summaryLine } from './verify/vitest-report.ts';

const inCi = (process.env.CI ?? '') !== '' && process.env.CI !== 'false';

async function runSteps(steps: readonly Step[], counts: TestCounts): Promise<void> {
  for (const step of steps) {
    if (await runStep(step)) counts.passed++;
    else counts.failed++;
  }
}

async function check(counts: TestCounts): Promise<void> {
  const steps: Step[] = [
    { name: 'types are right', run: ['node_modules/.bin/tsc', '-p', '.'] },
    { name: 'lint and format are clean', run: ['node_modules/.bin/biome', 'ci', '--error-on-warnings', '.'] },
    ...generatedChecks(),
    ...otherMachine(),
  ];
  await runSteps(steps, counts);
  addCounts(counts, runVitest('unit'));
}

/** What this machine's own object passes, for the programs as another machine gets them. Off Linux nothing compiles them. */
function otherMachine(): Step[] {
  if (process.platform !== 'linux') return [];
  const machine = process.arch === 'arm64' ? 'x86_64' : 'aarch64';
  const checkLayout = ['scripts/generate-layout.ts', '--check', `.build/${machine}/tallyman.bpf.o`];
  return [
    { name: `BPF programs compile for ${machine}`, run: ['make', 'bpf', `MACHINE=${machine}`] },
    { name: `records are laid out the same on ${machine}`, run: [process.execPath, ...checkLayout] },
  ];
}

async function test(counts: TestCounts): Promise<void> {
  await check(counts);
  addCounts(counts, runVitest('hostile'));
  if (process.platform === 'linux') addCounts(counts, runKernels());
  const doctor = spawnSync('./tallyman', ['doctor', '--problems'], { encoding: 'utf8' });
  if (doctor.status === 0) {
    addCounts(counts, runVitest('kernel'));
    addCounts(counts, runVitest('e2e'));
    return;
  }
  announce(
    'KERNEL AND END-TO-END TESTS CANNOT RUN HERE: no container can be watched on this machine.',
    `${doctor.stdout}${doctor.stderr}`.trimEnd(),
    'The unit tests above did run. ./tallyman doctor says more.',
  );
  counts.skipped.push('all kernel tests', 'all end-to-end tests');
}

function announce(...lines: string[]): void {
  const rule = '!'.repeat(100);
  console.log(['', rule, ...lines, rule].join('\n'));
}

async function main(what: string | undefined): Promise<number> {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: [] };
  if (what === 'check') await check(counts);
  else if (what === 'test') await test(counts);
  else if (what === 'generate') await runSteps(generateSteps(), counts);
  else {
    console.error('usage: verify.ts check | test | generate');
    return 2;
  }
  if (what !== 'generate') closeTests(counts);
  return counts.failed === 0 ? 0 : 1;
}

/** Where CI is set, a test that cannot run is a failure; elsewhere it is at least impossible to overlook. */
function closeTests(counts: TestCounts): void {
  if (counts.skipped.length > 0) {
    const names = counts.skipped.map((name) => `  – ${name}`).join('\n');
    announce(`${counts.skipped.length} DID NOT RUN${inCi ? ', which counts as failed in CI' : ''}:`, names);
    if (inCi) counts.failed += counts.skipped.splice(0).length;
  }
  console.log(`\n${summaryLine(counts)}`);
}

process.exitCode = await main(process.argv[2]);
