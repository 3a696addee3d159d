import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** The real command, as a process of its own. */
export interface TallymanProcess {
  api: string;
  pid: number;
  dataDir: string;
  /** What it printed so far. */
  output(): string;
  log(): string;
  stop(): Promise<number>;
}

const readyWithinMs = 30_000;

/** `tallyman up` with a data directory and HTTP port of its own; resolves once /readyz answers 200. */
export async function startTallyman(args: readonly string[]): Promise<TallymanProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallyman-up-'));
  const port = await freePort();
  const all = ['up', '--data-dir', dataDir, '--http', `127.0.0.1:${port}`, ...args];
  const child = spawn('./tallyman', all, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const api = `http://127.0.0.1:${port}`;
  const result: TallymanProcess = {
    api,
    pid: child.pid ?? -1,
    dataDir,
    output: () => output,
    log: () => readFileSync(join(dataDir, 'tallyman.log'), 'utf8'),
    stop: () => stop(child, dataDir),
  };
  await waitUntilReady(child, api, () => output).catch(async (error: unknown) => {
    await result.stop();
    throw error;
  });
  return result;
}

async function waitUntilReady(child: ChildProcess, api: string, output: () => string): Promise<void> {
  for (let waitedMs = 0; waitedMs < readyWithinMs; waitedMs += 100) {
    if (child.exitCode !== null) throw new Error(`tallyman up ended with ${child.exitCode}:\n${output()}`);
    const ready = await fetch(`${api}/readyz`).then(
      (response) => response.status === 200,
      () => false,
    );
    if (ready) return;
    await sleep(100);
  }
  throw new Error(`tallyman up was not ready within ${readyWithinMs} ms:\n${output()}`);
}

async function stop(child: ChildProcess, dataDir: string): Promise<number> {
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(dataDir, { recursive: true, force: true });
  return child.exitCode ?? -1;
}
