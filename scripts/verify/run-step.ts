import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { errorText } from '../../common/errors.ts';

/** One thing to verify that is not a test: a command, or a function that throws what is wrong. */
export interface Step {
  /** What holds when it passes: "types are right". */
  name: string;
  run: readonly string[] | (() => void | Promise<void>);
}

/** Runs a command in the repository; throws its output when it fails. */
export function runCommand(command: readonly string[]): void {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    const output = `${result.stdout}${result.stderr}`.trimEnd();
    throw new Error(`${command.join(' ')} ended with ${result.status ?? result.signal}\n${output}`);
  }
}

/** Runs a step and prints one line, or the reason of its failure; answers whether it passed. */
export async function runStep(step: Step): Promise<boolean> {
  const startedMs = performance.now();
  const seconds = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  try {
    if (typeof step.run === 'function') await step.run();
    else runCommand(step.run);
    console.log(`✔ ${step.name} (${seconds()})`);
    return true;
  } catch (thrown) {
    console.log(`✘ ${step.name} (${seconds()})\n${indent(errorText(thrown))}`);
    return false;
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
