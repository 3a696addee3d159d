import { execFile, execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Container, ContainerState } from '../../agent/container/container.ts';
import { type ContainerDirectory, createContainerDirectory } from '../../agent/container/container-directory.ts';
import { readOverlayRoot } from '../../agent/container/overlay.ts';
import { createProcessTree } from '../../agent/process/process-tree.ts';
import { Backoff } from '../../common/backoff.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';

const image = 'tallyman-test-directory:1';
const label = `tallyman-test=${process.pid}`;
const dockerSocket = '/var/run/docker.sock';
const cgroupRoot = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';

/** Not synchronous: the directory has to hear of what happens while it happens. */
async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args)).stdout.trim();
}

async function run(...args: string[]): Promise<string> {
  return await docker('run', '-d', '--label', label, ...args);
}

function buildImage(): void {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-image-'));
  mkdirSync(join(root, 'bin'));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const name of ['sh', 'sleep', 'true']) symlinkSync('busybox', join(root, 'bin', name));
  const tar = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
  execFileSync('docker', ['import', '-', image], { input: tar, stdio: ['pipe', 'ignore', 'pipe'] });
  rmSync(root, { recursive: true });
}

async function until<T>(what: string, probe: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}

interface Watched {
  directory: ContainerDirectory;
  updates: Container[];
  verdicts: Map<bigint, string>;
}

function watched(socketPath = dockerSocket): Watched {
  const updates: Container[] = [];
  const verdicts = new Map<bigint, string>();
  const directory = createContainerDirectory({
    docker: { socketPath, backoff: new Backoff({ initialMs: 20, maxMs: 100 }) },
    cgroupRoot,
    logger: silentLogger,
    metrics: new Metrics('agent'),
    onVerdict: (cgroupId, verdict) => verdicts.set(cgroupId, verdict),
    onUpdate: (container) => updates.push(container),
  });
  return { directory, updates, verdicts };
}

function cgroupIdOf(path: string): bigint {
  return statSync(join(cgroupRoot, path), { bigint: true }).ino;
}

/** Stands between the agent and Docker, and can be cut. */
class CuttableProxy {
  readonly path = join(mkdtempSync(join(tmpdir(), 'tallyman-proxy-')), 'docker.sock');
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  async open(): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(dockerSocket);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      }
      client.pipe(upstream).pipe(client);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

beforeAll(() => buildImage());

afterAll(async () => {
  const left = (await docker('ps', '-aq', '--filter', `label=${label}`)).split('\n').filter(Boolean);
  if (left.length > 0) await docker('rm', '-f', ...left);
  await docker('rmi', '-f', image);
});

describe('container directory on a real Docker', () => {
  let subject: Watched;
  let before: string;

  beforeAll(async () => {
    before = await run('--name', `before-${process.pid}`, '-e', 'SECRET=x', image, 'sleep', '600');
    subject = watched();
    await subject.directory.start();
  });

  afterAll(async () => {
    await subject.directory.close();
  });

  it('knows a container that ran before, with image, posture and cgroup', async () => {
    const container = subject.directory.get(before);
    const cgroupId = cgroupIdOf(`docker/${before}`);
    expect(container).toMatchObject({
      name: `before-${process.pid}`,
      runtime: 'docker',
      namespace: 'docker',
      state: ContainerState.RUNNING,
      cgroupId,
      cgroupPath: `/docker/${before}`,
      initPid: Number(await docker('inspect', '-f', '{{.State.Pid}}', before)),
      image: { reference: image, configDigest: await docker('inspect', '-f', '{{.Image}}', before), targetDigest: '' },
    });
    expect(container?.image?.platform).toMatch(/^linux\//);
    expect(container?.labels).toMatchObject({ 'tallyman-test': String(process.pid) });
    expect(container?.posture).toMatchObject({ privileged: false, addedCapabilities: [], unknownFields: [] });
    expect(subject.directory.lookup(cgroupId)).toEqual({ state: 'container', container });
    expect(subject.verdicts.get(cgroupId)).toBe('watch');
    expect(subject.verdicts.get(cgroupIdOf('docker'))).toBe('ignore');
  });

  it('seeds the process tree and finds the overlay of a running container', async () => {
    const metrics = new Metrics('agent');
    const tree = createProcessTree({
      ...{ bootId: '0123456789', logger: silentLogger, metrics, maxProcesses: 1000, procRoot: '/proc' },
    });
    const container = subject.directory.get(before) as Container;
    await docker('exec', '-d', before, '/bin/sh', '-c', 'sleep 601; true');
    await until('the exec session', async () => (await docker('top', before)).includes('sleep 601'));
    expect(await tree.seed(before, join(cgroupRoot, container.cgroupPath))).toBe(3);
    expect(await tree.seed(before, join(cgroupRoot, container.cgroupPath))).toBe(0);
    const top = (await docker('top', before, '-eo', 'pid,args')).split('\n').slice(1);
    const pids = top.map((line) => line.trim().split(/\s+/));
    const sleeper = Number(pids.find((line) => line.at(-1) === '601' && line[1] === 'sleep')?.[0]);
    const ticks = Number(execFileSync('cut', ['-d', ' ', '-f22', `/proc/${sleeper}/stat`], { encoding: 'utf8' }));
    // As the kernel would tell it: the same tick, to the nanosecond.
    const execution = tree.find(sleeper, BigInt(ticks) * 10_000_000n + 1_234_567n);
    expect(execution).toMatchObject({
      argv: ['sleep', '601'],
      observed: false,
      entry: 'internal',
      containerId: before,
    });
    expect(execution?.parent).toMatchObject({ entry: 'exec-session', parent: undefined, parentMissing: false });
    expect(execution?.parent?.argv).toEqual(['/bin/sh', '-c', 'sleep 601; true']);
    const root = await readOverlayRoot('/proc', container.initPid);
    expect(root).toMatchObject({ state: 'overlay', relative: false });
    if (root.state === 'overlay')
      expect(existsSync(join(root.lowerDirectories.at(-1) as string, 'bin/busybox'))).toBe(true);
  });

  it('follows a container from its start to its end, through a new name', async () => {
    const id = await run('--name', `after-${process.pid}`, image, 'sleep', '600');
    const cgroupId = cgroupIdOf(`docker/${id}`);
    // The kernel's report of the new cgroup may be lost: the look-up itself has to find it.
    const lookup = await until('the look-up', () => {
      const answer = subject.directory.lookup(cgroupId);
      return answer.state === 'container' && answer.container.state === ContainerState.RUNNING && answer.container;
    });
    expect(lookup.initPid).toBeGreaterThan(0);
    await docker('rename', id, `renamed-${process.pid}`);
    await until('the new name', () => subject.directory.get(id)?.name === `renamed-${process.pid}`);
    await docker('rm', '-f', id);
    const exited = await until('the end', () => {
      const container = subject.directory.get(id);
      return container?.state === ContainerState.EXITED && container;
    });
    expect(exited.finishedUnixNs).toBeGreaterThan(exited.startedUnixNs);
    expect(subject.directory.lookup(cgroupId)).toEqual({ state: 'container', container: exited });
    expect(lookup.state).toBe(ContainerState.RUNNING);
  });

  it('attributes containers that live for 50 ms and are removed at once', async () => {
    const births: { id: string; cgroupId: bigint }[] = [];
    const watcher = watch(join(cgroupRoot, 'docker'), (_type, name) => {
      if (name === null || !/^[0-9a-f]{64}$/.test(name) || births.some((birth) => birth.id === name)) return;
      try {
        const cgroupId = cgroupIdOf(`docker/${name}`);
        births.push({ id: name, cgroupId });
        subject.directory.onCgroupMkdir({ kind: 'cgroup-mkdir', ktimeNs: 1n, cgroupId, path: `/docker/${name}` });
        // Docker may still be busy starting it, but events have to be kept from now on.
        expect.soft(['container', 'pending']).toContain(subject.directory.lookup(cgroupId).state);
      } catch {
        // Its removal is reported as well.
      }
    });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push(await run('--rm', image, 'sleep', '0.05'));
      await until('the removal', async () => (await docker('ps', '-aq', '--filter', `id=${ids.at(-1)}`)) === '');
    }
    watcher.close();
    for (const id of ids) {
      const birth = births.find((candidate) => candidate.id === id);
      expect(birth).toBeDefined();
      if (birth === undefined) continue;
      subject.directory.onCgroupRmdir({
        ...{ kind: 'cgroup-rmdir', ktimeNs: 2n, cgroupId: birth.cgroupId, path: `/docker/${id}` },
      } as const);
      const container = await until('the end', () => {
        const answer = subject.directory.lookup(birth.cgroupId);
        return answer.state === 'container' && answer.container.state === ContainerState.EXITED && answer.container;
      });
      expect(container).toMatchObject({ id, cgroupId: birth.cgroupId, image: { reference: image } });
      expect(container.image?.configDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(container.posture?.unknownFields).toEqual([]);
    }
  });

  it('counts cgroups below a container as the container, and others as none', async () => {
    mkdirSync(join(cgroupRoot, `docker/${before}/sub/deeper`), { recursive: true });
    const other = `tallyman-test-${process.pid}`;
    mkdirSync(join(cgroupRoot, other));
    try {
      const child = cgroupIdOf(`docker/${before}/sub/deeper`);
      const answer = await until('the child', () => {
        const lookup = subject.directory.lookup(child);
        return lookup.state !== 'unknown' && lookup;
      });
      expect(answer).toEqual({ state: 'container', container: subject.directory.get(before) });
      expect(subject.directory.get(before)?.cgroupPath).toBe(`/docker/${before}`);
      expect(subject.directory.lookup(cgroupIdOf(other))).toEqual({ state: 'not-container' });
      expect(subject.verdicts.get(cgroupIdOf(other))).toBe('ignore');
    } finally {
      rmdirSync(join(cgroupRoot, `docker/${before}/sub/deeper`));
      rmdirSync(join(cgroupRoot, `docker/${before}/sub`));
      rmdirSync(join(cgroupRoot, other));
    }
  });

  it('finds a container in a cgroup of the user’s choice', async () => {
    const id = await run('--cgroup-parent', `/tallyman-parent-${process.pid}`, image, 'sleep', '600');
    const cgroupId = cgroupIdOf(`tallyman-parent-${process.pid}/${id}`);
    const container = await until('the container', () => {
      const answer = subject.directory.lookup(cgroupId);
      return answer.state === 'container' && answer.container;
    });
    expect(container).toMatchObject({ id, cgroupPath: `/tallyman-parent-${process.pid}/${id}` });
    expect(subject.verdicts.get(cgroupId)).toBe('watch');
    await docker('rm', '-f', id);
    rmdirSync(join(cgroupRoot, `tallyman-parent-${process.pid}`));
  });

  const postures: [string, string[], object][] = [
    ['--privileged', ['--privileged'], { privileged: true, seccompUnconfined: true }],
    ['the Docker socket', ['-v', '/var/run/docker.sock:/s'], { runtimeSockets: ['/var/run/docker.sock'] }],
    [
      'a directory with sockets',
      ['-v', '/run:/h:ro'],
      { runtimeSockets: expect.arrayContaining(['/run/docker.sock']) },
    ],
    [
      'the whole host',
      ['-v', '/:/h:ro'],
      { mounts: [{ source: '/', destination: '/h', writable: false, type: 'bind' }] },
    ],
    [
      'host namespaces',
      ['--pid=host', '--net=host', '--ipc=host', '--uts=host'],
      { hostPid: true, hostNetwork: true, hostIpc: true, hostUts: true, hostUser: false },
    ],
    ['--userns=host', ['--userns=host'], { hostUser: true }],
    [
      'capabilities',
      ['--cap-add', 'sys_admin', '--cap-add', 'CAP_NET_ADMIN', '--cap-drop', 'ALL'],
      { addedCapabilities: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], droppedCapabilities: ['CAP_ALL'] },
    ],
    [
      'unconfined',
      ['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
      { seccompUnconfined: true, apparmorUnconfined: true, privileged: false },
    ],
    [
      'hardened',
      ['--security-opt', 'no-new-privileges', '--user', '33:33', '--read-only'],
      { noNewPrivileges: true, user: '33:33', readOnlyRootFilesystem: true },
    ],
    ['a device', ['--device', '/dev/null:/dev/x'], { devices: ['/dev/null'] }],
  ];
  it.each(postures)('reads the posture of %s', async (_name, flags, expected) => {
    const id = await docker('create', '--label', label, ...flags, image, 'true');
    const container = await until('the new container', () => subject.directory.get(id));
    expect(container.state).toBe(ContainerState.CREATED);
    expect(container.posture).toMatchObject({ unknownFields: [], ...expected });
    await docker('rm', id);
    await until('its removal', () => subject.directory.get(id)?.state === ContainerState.EXITED);
  });
});

describe('container directory when Docker comes and goes', () => {
  it('loses and doubles nothing when Docker is away for a while', async () => {
    const proxy = new CuttableProxy();
    await proxy.open();
    const dies = await run(image, 'sleep', '600');
    const stays = await run(image, 'sleep', '600');
    const { directory, updates } = watched(proxy.path);
    await directory.start();
    expect(directory.status().runtimes[0]).toMatchObject({ name: 'docker', connected: true });
    await proxy.cut();
    await until('the disconnection', () => directory.status().runtimes[0]?.connected === false);
    expect(directory.status().runtimes[0]?.reason).not.toBe('');
    await docker('rm', '-f', dies);
    const comes = await run(image, 'sleep', '600');
    expect(directory.get(comes)).toBeUndefined();
    expect(directory.lookup(cgroupIdOf(`docker/${stays}`)).state).toBe('container');
    await proxy.open();
    await until('the reconnection', () => directory.status().runtimes[0]?.connected);
    await until('the end of one', () => directory.get(dies)?.state === ContainerState.EXITED);
    await until('the start of another', () => directory.get(comes)?.state === ContainerState.RUNNING);
    const endings = updates.filter((update) => update.id === dies && update.state === ContainerState.EXITED);
    expect(endings).toHaveLength(1);
    expect(updates.filter((update) => update.id === stays)).toHaveLength(1);
    await directory.close();
    await proxy.cut();
    await docker('rm', '-f', stays, comes);
  });

  it('starts without Docker, says so, and finds it later', async () => {
    const proxy = new CuttableProxy();
    const id = await run(image, 'sleep', '600');
    const { directory } = watched(proxy.path);
    await directory.start();
    expect(directory.status().runtimes[0]).toMatchObject({ connected: false, reason: expect.stringMatching(/ENOENT/) });
    const cgroupId = cgroupIdOf(`docker/${id}`);
    expect(directory.lookup(cgroupId)).toEqual({ state: 'pending', containerId: id });
    expect(directory.assume(cgroupId)).toMatchObject({ id, name: id.slice(0, 12), image: undefined, cgroupId });
    await proxy.open();
    await until('Docker', () => directory.status().runtimes[0]?.connected);
    const container = await until('the container', () => directory.get(id)?.image && directory.get(id));
    expect(container).toMatchObject({ runtime: 'docker', state: ContainerState.RUNNING, cgroupId });
    await directory.close();
    await proxy.cut();
    await docker('rm', '-f', id);
  });
});
