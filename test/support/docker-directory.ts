import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Container } from '../../agent/container/container.ts';
import { type ContainerDirectory, createContainerDirectory } from '../../agent/container/container-directory.ts';
import { DockerRuntime } from '../../agent/container/docker.ts';
import { hostSocketProbe } from '../../agent/container/runtime-sockets.ts';
import { Backoff } from '../../common/backoff.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';

export const image = `tallyman-test-directory:${process.pid}`;
export const label = `tallyman-test=${process.pid}`;
export const dockerSocket = '/var/run/docker.sock';
export const cgroupRoot = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';

/** Not synchronous: the directory has to hear of what happens while it happens. */
export async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args)).stdout.trim();
}

export async function run(...args: string[]): Promise<string> {
  return await docker('run', '-d', '--label', label, ...args);
}

export function buildImage(): void {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-image-'));
  mkdirSync(join(root, 'bin'));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const name of ['sh', 'sleep', 'true']) symlinkSync('busybox', join(root, 'bin', name));
  const tar = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
  execFileSync('docker', ['import', '-', image], { input: tar, stdio: ['pipe', 'ignore', 'pipe'] });
  rmSync(root, { recursive: true });
}

export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}

export interface Watched {
  directory: ContainerDirectory;
  updates: Container[];
  verdicts: Map<bigint, string>;
}

export function watched(socketPath = dockerSocket): Watched {
  const updates: Container[] = [];
  const verdicts = new Map<bigint, string>();
  const parts = { logger: silentLogger, metrics: new Metrics('agent') };
  const backoff = new Backoff({ initialMs: 20, maxMs: 100 });
  const directory = createContainerDirectory({
    ...parts,
    runtimes: [new DockerRuntime({ ...parts, socketPath, probe: hostSocketProbe('/proc'), backoff })],
    cgroupRoot,
    onVerdict: (cgroupId, verdict) => verdicts.set(cgroupId, verdict),
    onUpdate: (container) => updates.push(container),
  });
  return { directory, updates, verdicts };
}

export function cgroupIdOf(path: string): bigint {
  return statSync(join(cgroupRoot, path), { bigint: true }).ino;
}

/** Removes every container of this test file and the image. */
export async function cleanUp(): Promise<void> {
  const left = (await docker('ps', '-aq', '--filter', `label=${label}`)).split('\n').filter(Boolean);
  if (left.length > 0) await docker('rm', '-f', ...left);
  await docker('rmi', '-f', image);
}
