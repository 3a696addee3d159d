import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { repositoryFolder } from '../paths.ts';

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the real command in a process of its own, without a terminal and without settings of the one who tests. */
export function runCli(args: readonly string[], environment: Record<string, string> = {}): Promise<CliResult> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment };
  return new Promise((resolve) => {
    execFile(join(repositoryFolder, 'tallyman'), args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
