import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { docker } from './docker.ts';

const run = promisify(execFile);

/** The parts of an OCI runtime configuration that are changed here; everything else stays as `runc spec` writes it. */
const specSchema = z.looseObject({
  process: z.looseObject({}),
  root: z.looseObject({}),
  mounts: z.array(z.looseObject({ destination: z.string() })),
  linux: z.looseObject({ namespaces: z.array(z.looseObject({ type: z.string() })) }),
});

export interface RuncOptions {
  /** A folder of the test's own. */
  folder: string;
  /** Image of the local Docker daemon; its entrypoint is used. */
  image: string;
  args: readonly string[];
  env: readonly string[];
  /** "CAP_BPF" … */
  capabilities: readonly string[];
  noNewPrivileges: boolean;
  readOnlyRootFilesystem: boolean;
  hostPid: boolean;
  /** Process whose network namespace is shared, as the containers of a pod share one. */
  networkOfPid: number;
  binds: readonly { source: string; destination: string; readOnly: boolean }[];
  tmpfs: readonly string[];
  /** By when they are run: "createContainer", "startContainer"… */
  hooks?: Readonly<Record<string, readonly { path: string; args: readonly string[] }[]>>;
}

export interface RuncContainer {
  /** Its root file system, on the host. */
  rootFolder: string;
  logs(): string;
  remove(): Promise<void>;
}

/**
 * Runs a container with runc itself: it takes every capability the kernel has, which older Docker daemons do not, and gives
 * exactly what it is told to, as the kubelet's runtimes do.
 */
export async function startRuncContainer(options: RuncOptions): Promise<RuncContainer> {
  const bundle = join(options.folder, 'bundle');
  const rootfs = join(bundle, 'rootfs');
  mkdirSync(rootfs, { recursive: true });
  await unpackImage(options.image, rootfs, options.folder);
  await writeSpec(bundle, options);
  const id = `tallyman-test-${process.pid}`;
  const state = ['--root', join(options.folder, 'state')];
  const logFile = join(options.folder, 'container.log');
  const log = openSync(logFile, 'w');
  try {
    // execFile has no way to hand over a file; a shell does.
    await run('sh', [
      '-c',
      'exec runc "$@" >"$0" 2>&1 </dev/null',
      logFile,
      ...state,
      'run',
      '-d',
      '--bundle',
      bundle,
      id,
    ]);
  } catch (cause) {
    throw new Error(`runc cannot start the container: ${readFileSync(logFile, 'utf8')}`, { cause });
  } finally {
    closeSync(log);
  }
  return {
    rootFolder: rootfs,
    logs: () => readFileSync(logFile, 'utf8'),
    remove: async () => {
      await run('runc', [...state, 'delete', '--force', id]);
    },
  };
}

async function unpackImage(image: string, rootfs: string, folder: string): Promise<void> {
  const container = await docker.createContainer({ Image: image, Cmd: ['is never run'] });
  const archive = join(folder, 'rootfs.tar');
  try {
    await run('docker', ['export', '-o', archive, container.id]);
  } finally {
    await container.remove();
  }
  await run('tar', ['-C', rootfs, '-xf', archive]);
}

async function writeSpec(bundle: string, options: RuncOptions): Promise<void> {
  await run('runc', ['spec', '--bundle', bundle]);
  const file = join(bundle, 'config.json');
  const spec = specSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const { Config } = await docker.getImage(options.image).inspect();
  const { capabilities } = options;
  Object.assign(spec.process, {
    terminal: false,
    args: [...[Config.Entrypoint ?? []].flat(), ...options.args],
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', ...options.env],
    cwd: Config.WorkingDir || '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: options.noNewPrivileges,
    rlimits: [],
  });
  Object.assign(spec.root, { path: 'rootfs', readonly: options.readOnlyRootFilesystem });
  for (const { source, destination, readOnly } of options.binds)
    spec.mounts.push({ destination, source, type: 'bind', options: ['rbind', readOnly ? 'ro' : 'rw'] });
  for (const destination of options.tmpfs)
    spec.mounts.push({ destination, source: 'tmpfs', type: 'tmpfs', options: ['nosuid', 'nodev'] });
  spec.linux.namespaces = spec.linux.namespaces
    .filter(({ type }) => type !== 'network' && !(type === 'pid' && options.hostPid))
    .concat({ type: 'network', path: `/proc/${options.networkOfPid}/ns/net` });
  Object.assign(spec.linux, { cgroupsPath: `/tallyman-test-${process.pid}` });
  Object.assign(spec, { hooks: options.hooks });
  writeFileSync(file, JSON.stringify(spec));
}
