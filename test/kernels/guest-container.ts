import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The lower directory of every container's root file system. */
const imageDirectory = '/image';
/** On a tmpfs, which can carry an overlay's upper directory. */
const containersDirectory = '/containers';
export const cgroupRoot = '/sys/fs/cgroup';

export interface GuestRun {
  /** cgroup v2 id. */
  cgroupId: bigint;
  /** Relative to the cgroup root. */
  cgroupPath: string;
  exitCode: number;
  /** What the script wrote to standard output and error. */
  output: string;
}

let count = 0;

/**
 * What a container runtime does, in small: a cgroup, an overlay over an image with a tmpfs in it, and a shell script as
 * the first program in mount, pid and network namespaces of its own. Everything is gone when it answers.
 */
export async function runContainer(script: string, onName?: (containerId: string) => void): Promise<GuestRun> {
  // As long as a container's id, by which the agent recognises one.
  const name = String(count++).padStart(64, '0');
  onName?.(name);
  const directory = join(containersDirectory, name);
  const cgroup = join(cgroupRoot, name);
  const root = mountRoot(directory);
  mkdirSync(cgroup);
  try {
    const cgroupId = statSync(cgroup, { bigint: true }).ino;
    const outputPath = join(directory, 'output');
    const exitCode = await enter(cgroup, root, script, outputPath);
    return { cgroupId, cgroupPath: `/${name}`, exitCode, output: readFileSync(outputPath, 'utf8') };
  } finally {
    await removeCgroup(cgroup);
    busybox('umount', join(root, 'scratch'));
    busybox('umount', root);
    rmSync(directory, { recursive: true });
  }
}

function busybox(...command: string[]): void {
  execFileSync('/bin/busybox', command);
}

function mountRoot(directory: string): string {
  const [root, upper, work] = ['root', 'upper', 'work'].map((part) => join(directory, part)) as [
    string,
    string,
    string,
  ];
  for (const path of [root, upper, work]) mkdirSync(path, { recursive: true });
  const layers = `lowerdir=${imageDirectory},upperdir=${upper},workdir=${work}`;
  busybox('mount', '-t', 'overlay', '-o', layers, 'overlay', root);
  busybox('mount', '-t', 'tmpfs', 'tmpfs', join(root, 'scratch'));
  return root;
}

/** The exit code of the container's first process. Its output goes to a file: Node's pipes to children are sockets. */
function enter(cgroup: string, root: string, script: string, outputPath: string): Promise<number> {
  const output = openSync(outputPath, 'w');
  const child = spawn('/bin/contain', [cgroup, root, '/bin/sh', '-c', script], { stdio: ['ignore', output, output] });
  closeSync(output);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 255));
  });
}

/** A cgroup is busy until the kernel has buried the last of its processes. */
async function removeCgroup(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(20);
    }
  }
}
