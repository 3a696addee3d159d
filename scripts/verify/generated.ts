import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Step } from './run-step.ts';
import { runCommand } from './run-step.ts';

/** Scripts that write committed files; each compares instead of writing when called with --check. */
const generators = [
  { script: 'scripts/generate-layout.ts', what: 'record layout', needs: '.build/tallyman.bpf.o' },
  { script: 'scripts/generate-rules-doc.ts', what: 'rule reference', needs: undefined },
  { script: 'scripts/generate-noise-doc.ts', what: 'capability noise', needs: undefined },
  { script: 'scripts/generate-cli-doc.ts', what: 'command reference', needs: undefined },
];

const buf = 'node_modules/.bin/buf';

export function generateSteps(): Step[] {
  const steps: Step[] = [{ name: 'protocol code', run: [buf, 'generate'] }];
  for (const { script, what } of availableGenerators()) steps.push({ name: what, run: [process.execPath, script] });
  return steps;
}

export function generatedChecks(): Step[] {
  const steps: Step[] = [
    { name: 'protocol follows the style rules', run: [buf, 'lint'] },
    { name: 'generated protocol code is current', run: checkProtocolCode },
  ];
  for (const { script, what } of availableGenerators())
    steps.push({ name: `generated ${what} matches its source`, run: [process.execPath, script, '--check'] });
  return steps;
}

function availableGenerators(): typeof generators {
  // Off Linux there is no compiled object to read the layouts from.
  const buildable = (needs: string | undefined): boolean => needs === undefined || process.platform === 'linux';
  return generators.filter(({ script, needs }) => existsSync(script) && buildable(needs));
}

function checkProtocolCode(): void {
  const folder = mkdtempSync(join(tmpdir(), 'tallyman-generated-'));
  try {
    runCommand([buf, 'generate', '--output', folder]);
    const differing = differingFiles(join(folder, 'proto/generated'), 'proto/generated');
    if (differing.length > 0) throw new Error(`run make generate and commit: ${differing.join(', ')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files that are in only one of two folders, or differ. */
export function differingFiles(fresh: string, committed: string): string[] {
  const names = new Set([...filesBelow(fresh), ...filesBelow(committed)]);
  const bytes = (folder: string, name: string): Buffer | undefined =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined;
  return [...names].sort().filter((name) => {
    const [one, other] = [bytes(fresh, name), bytes(committed, name)];
    return one === undefined || other === undefined || !one.equals(other);
  });
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
