import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';

const run = promisify(execFile);

export const docker = new Docker();
export const testImage = 'tallyman-test:latest';

const applets = [
  'sh',
  'cat',
  'cp',
  'ls',
  'sleep',
  'true',
  'mkdir',
  'mount',
  'nc',
  'rm',
  'chmod',
  'su',
  'id',
  'chown',
  'ln',
  'ip',
  'touch',
  'seq',
  'nslookup',
];

/** What can be asked of a container that a test has started. */
export interface TestContainer {
  id: string;
  name: string;
  /** Waits for its end; the exit code. */
  wait(): Promise<number>;
  /** Runs a command in it (docker exec); its output. */
  exec(command: string[]): Promise<string>;
  logs(): Promise<string>;
  /** Kills and removes it; nothing happens where it is gone. */
  remove(): Promise<void>;
}

export interface RunOptions {
  command: string[];
  image?: string;
  name?: string;
  /** Default "none": a container has no network but its own loopback. */
  networkMode?: string;
  privileged?: boolean;
  capAdd?: string[];
  capDrop?: string[];
  sysctls?: Record<string, string>;
  securityOpt?: string[];
  binds?: string[];
  /** Mount point → options. */
  tmpfs?: Record<string, string>;
  pidMode?: string;
  user?: string;
  tty?: boolean;
  /** Keeps standard input open until somebody has attached to it and left. */
  openStdin?: boolean;
  pidsLimit?: number;
  labels?: Record<string, string>;
  /** Once a second, as in a Dockerfile: ["CMD-SHELL", "…"]. */
  healthCheck?: string[];
}

/** The programs of test/support/programs; each says in its own file what it does. */
export type TestProgram =
  | 'actor'
  | 'breeder'
  | 'disguise'
  | 'executor'
  | 'network'
  | 'pack'
  | 'privilege'
  | 'server'
  | 'shifter';

/** Compiles a test program; the path of the static binary. */
export async function buildProgram(name: TestProgram): Promise<string> {
  const target = join(process.cwd(), '.build', name);
  const source = join(import.meta.dirname, 'programs', `${name}.c`);
  const isCurrent = statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (isCurrent < statSync(source).mtimeMs) {
    mkdirSync(join(process.cwd(), '.build'), { recursive: true });
    await run('clang', ['-static', '-O1', '-Wall', '-pthread', '-o', target, source]);
  }
  return target;
}

/** An image with a static busybox, its applets and the test programs, imported as one layer. Built anew by each test file. */
export async function buildTestImage(reference: string = testImage): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-image-'));
  try {
    for (const directory of ['bin', 'tmp', 'etc', 'proc', 'sys', 'dev']) mkdirSync(join(root, directory));
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const name of ['actor', 'breeder', 'executor', 'network', 'pack', 'privilege', 'shifter'] as const)
      copyFileSync(await buildProgram(name), join(root, 'bin', name));
    for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
    const archive = join(root, '..', `${root.split('/').at(-1)}.tar`);
    await run('tar', ['-C', root, '-cf', archive, '.']);
    await replaceImage(reference, () => run('docker', ['import', '--change', 'ENV PATH=/bin', archive, reference]));
    rmSync(archive);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Makes an image and removes the one that had its name before, which would stay without a name. */
async function replaceImage(reference: string, make: () => Promise<unknown>): Promise<void> {
  const before = await docker
    .getImage(reference)
    .inspect()
    .catch(() => undefined);
  await make();
  const after = await docker.getImage(reference).inspect();
  if (before !== undefined && before.Id !== after.Id) await docker.getImage(before.Id).remove({ force: true });
}

/** Starts a container of the test image. The caller removes it. */
export async function runContainer(options: RunOptions): Promise<TestContainer> {
  const container = await docker.createContainer({
    Image: options.image ?? testImage,
    Cmd: options.command,
    Labels: options.labels ?? {},
    Tty: options.tty ?? false,
    ...(options.healthCheck === undefined
      ? {}
      : { Healthcheck: { Test: options.healthCheck, Interval: 1_000_000_000, Timeout: 5_000_000_000 } }),
    ...(options.openStdin ? { OpenStdin: true, StdinOnce: true } : {}),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.user === undefined ? {} : { User: options.user }),
    HostConfig: {
      NetworkMode: options.networkMode ?? 'none',
      Privileged: options.privileged ?? false,
      ...(options.capAdd === undefined ? {} : { CapAdd: options.capAdd }),
      ...(options.capDrop === undefined ? {} : { CapDrop: options.capDrop }),
      ...(options.sysctls === undefined ? {} : { Sysctls: options.sysctls }),
      ...(options.securityOpt === undefined ? {} : { SecurityOpt: options.securityOpt }),
      ...(options.binds === undefined ? {} : { Binds: options.binds }),
      ...(options.tmpfs === undefined ? {} : { Tmpfs: options.tmpfs }),
      ...(options.pidMode === undefined ? {} : { PidMode: options.pidMode }),
      ...(options.pidsLimit === undefined ? {} : { PidsLimit: options.pidsLimit }),
    },
  });
  await container.start().catch(async (error: unknown) => {
    await container.remove({ force: true });
    throw error;
  });
  const { Name } = await container.inspect();
  return {
    id: container.id,
    name: Name.slice(1),
    wait: async () => ((await container.wait()) as { StatusCode: number }).StatusCode,
    exec: async (command) => {
      const { stdout, stderr } = await run('docker', ['exec', container.id, ...command]).catch(
        (error: { stdout: string; stderr: string }) => error,
      );
      return stdout + stderr;
    },
    logs: async () => (await run('docker', ['logs', container.id])).stdout,
    remove: async () => {
      await container.remove({ force: true }).catch((error: { statusCode?: number }) => {
        // A test may have removed it already.
        if (error.statusCode !== 404) throw error;
      });
    },
  };
}
