import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Backoff } from '../../../common/backoff.ts';
import { silentLogger } from '../../../common/logger.ts';
import { ContainerState as CriState, PodSandboxState } from '../../../proto/generated/runtime/v1/cri.ts';
import { CriServer } from '../../../test/support/cri-server.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type Container, ContainerState } from '../container.ts';
import type { RuntimeSink } from '../runtime.ts';
import { CriRuntime, type CriRuntimeOptions } from './cri-runtime.ts';

const a = 'a1'.repeat(32);
const b = 'b2'.repeat(32);
const pod = 'c3'.repeat(32);
const probes = { socket: () => false, namespace: () => false, apparmor: () => false };
const spec = {
  process: { user: { uid: 0, gid: 0 }, capabilities: { bounding: [] } },
  root: {},
  mounts: [],
  linux: { namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }], seccomp: {} },
};
const info = { sandboxID: pod, pid: 4711, privileged: false, runtimeSpec: spec };

let folder: string;
let server: CriServer;
let runtime: CriRuntime;
let told: [string, Container][];
const sink: RuntimeSink = {
  inspected: (container) => told.push(['inspected', container]),
  described: (container) => told.push(['described', container]),
  renamed: () => undefined,
  livingIds: () => [],
};
const toldOf = (id: string): [string, number][] =>
  told.filter(([, container]) => container.id === id).map(([how, container]) => [how, container.state]);

function makeRuntime(options: Partial<CriRuntimeOptions> = {}): CriRuntime {
  return new CriRuntime({
    ...{ socketPath: server.socketPath, probes, logger: silentLogger, pollIntervalMs: 20 },
    backoff: new Backoff({ initialMs: 10, maxMs: 50 }),
    ...options,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-cri-'));
  server = new CriServer(join(folder, 'crio.sock'));
  await server.listen();
  server.addSandbox(pod, { metadata: { name: 'web-1', uid: 'u', namespace: 'shop', attempt: 1 } }, { pid: 4700 });
  told = [];
  runtime = makeRuntime();
});

afterEach(async () => {
  await runtime.close();
  server.close();
  rmSync(folder, { recursive: true });
});

describe('CriRuntime', () => {
  it('tells what lives at the start, not what has ended before', async () => {
    server.addContainer(a, pod, { metadata: { name: 'web', attempt: 0 } }, info);
    server.addContainer(b, pod, { state: CriState.EXITED, finishedAt: 9n }, info);
    await runtime.start(sink);
    expect(runtime.status()).toEqual({ name: 'cri-o', present: true, connected: true, version: '1.31.2', reason: '' });
    expect(toldOf(a)).toEqual([['inspected', ContainerState.RUNNING]]);
    expect(toldOf(pod)).toEqual([['inspected', ContainerState.RUNNING]]);
    expect(toldOf(b)).toEqual([]);
  });

  it('asks once for what does not change', async () => {
    server.addContainer(a, pod, {}, info);
    await runtime.start(sink);
    const asked = server.asked.length;
    server.addContainer(b, pod, {}, info);
    await eventually(() => expect(toldOf(b)).toHaveLength(1));
    expect(server.asked.slice(asked)).toEqual([b]);
  });

  it('tells the end of a container, whether it is still listed or not, and of a sandbox', async () => {
    const first = server.addContainer(a, pod, {}, info);
    server.addContainer(b, pod, {}, info);
    await runtime.start(sink);
    first.status.state = CriState.EXITED;
    first.status.finishedAt = 99n;
    server.containers.delete(b);
    (server.sandboxes.get(pod) as { status: { state: number } }).status.state = PodSandboxState.NOT_READY;
    await eventually(() => {
      expect(toldOf(a).at(-1)).toEqual(['inspected', ContainerState.EXITED]);
      expect(toldOf(b).at(-1)).toEqual(['described', ContainerState.EXITED]);
      expect(toldOf(pod).at(-1)).toEqual(['inspected', ContainerState.EXITED]);
    });
    expect(told.find(([, { id, state }]) => id === a && state === ContainerState.EXITED)?.[1].finishedUnixNs).toBe(99n);
  });

  it('tells what came and went between two lists', async () => {
    await runtime.start(sink);
    server.addContainer(a, pod, { state: CriState.EXITED, finishedAt: 9n }, info);
    await eventually(() => expect(toldOf(a)).toEqual([['inspected', ContainerState.EXITED]]));
  });

  it('looks again soon at a container that was asked for before its start', async () => {
    runtime = makeRuntime({ pollIntervalMs: 60_000 });
    await runtime.start(sink);
    const served = server.addContainer(a, pod, { state: CriState.CREATED, startedAt: 0n }, info);
    expect(await runtime.inspect(a)).toMatchObject({ state: ContainerState.CREATED, initPid: 0 });
    served.status.state = CriState.RUNNING;
    await eventually(() => expect(toldOf(a).at(-1)).toEqual(['inspected', ContainerState.RUNNING]));
  });

  it('looks at the end that the kernel reports, of its own containers only', async () => {
    runtime = makeRuntime({ pollIntervalMs: 60_000 });
    const served = server.addContainer(a, pod, {}, info);
    await runtime.start(sink);
    const asked = server.asked.length;
    runtime.hint(b);
    runtime.hint(a);
    served.status.state = CriState.EXITED;
    await eventually(() => expect(toldOf(a).at(-1)).toEqual(['inspected', ContainerState.EXITED]));
    expect(server.asked.slice(asked)).not.toContain(b);
  });

  it('knows only whole ids, and no container that it does not have', async () => {
    server.addContainer(a, pod, {}, info);
    await runtime.start(sink);
    expect(await runtime.inspect(b)).toBeUndefined();
    const asked = server.asked.length;
    expect(await runtime.inspect(a.slice(0, 12))).toBeUndefined();
    expect(await runtime.inspect('../../x')).toBeUndefined();
    expect(server.asked).toHaveLength(asked);
    expect(await runtime.inspect(pod)).toMatchObject({ id: pod, name: 'pause', sandbox: true, podName: 'web-1' });
  });

  it('finds the pod through the list where the status does not name it', async () => {
    server.addContainer(a, pod, {}, { pid: 5 });
    await runtime.start(sink);
    expect(await runtime.inspect(a)).toMatchObject({ podName: 'web-1', namespace: 'shop', podUid: 'u' });
  });

  it('loses and doubles nothing when the runtime is away for a while and comes back with a new socket', async () => {
    server.addContainer(a, pod, {}, info);
    server.addContainer(b, pod, {}, info);
    await runtime.start(sink);
    server.close();
    await eventually(() => expect(runtime.status().connected).toBe(false));
    expect(runtime.status().reason).toContain(server.socketPath);
    await expect(runtime.inspect(a)).rejects.toMatchObject({ code: 'cri-unreachable' });
    const c = 'd4'.repeat(32);
    const d = 'e5'.repeat(32);
    server.containers.delete(b);
    server.addContainer(c, pod, {}, info);
    server.addContainer(d, pod, { state: CriState.EXITED, finishedAt: 9n }, info);
    server.runtimeVersion = '1.32.0';
    await server.listen();
    await eventually(() => expect(runtime.status()).toMatchObject({ connected: true, version: '1.32.0' }));
    expect(toldOf(a)).toEqual([['inspected', ContainerState.RUNNING]]);
    await eventually(() => {
      expect(toldOf(b).at(-1)).toEqual(['described', ContainerState.EXITED]);
      expect(toldOf(c)).toEqual([['inspected', ContainerState.RUNNING]]);
      expect(toldOf(d)).toEqual([['inspected', ContainerState.EXITED]]);
    });
  });

  it('starts without the runtime and finds it later', async () => {
    server.close();
    rmSync(server.socketPath, { force: true });
    await runtime.start(sink);
    expect(runtime.status()).toMatchObject({ name: 'cri-o', present: true, connected: false });
    server.addContainer(a, pod, {}, info);
    await server.listen();
    await eventually(() => expect(toldOf(a)).toHaveLength(1));
  });

  it('takes events for a reason to look, and does without them', async () => {
    runtime = makeRuntime({ pollIntervalMs: 60_000 });
    await runtime.start(sink);
    await eventually(() => expect(server.listeners.size).toBe(1));
    server.addContainer(a, pod, {}, info);
    for (const stream of server.listeners) stream.write({ containerId: a });
    await eventually(() => expect(toldOf(a)).toHaveLength(1));
    await runtime.close();
    server.tellsEvents = false;
    runtime = makeRuntime();
    await runtime.start(sink);
    server.addContainer(b, pod, {}, info);
    await eventually(() => expect(toldOf(b)).toHaveLength(1));
  });

  it('leaves the events of containerd before 2.0 to the kubelet', async () => {
    server.runtimeName = 'containerd';
    server.runtimeVersion = 'v1.7.24';
    server.close();
    await server.listen();
    await runtime.start(sink);
    expect(runtime.status()).toMatchObject({ name: 'containerd', version: '1.7.24', connected: true });
    expect(server.listeners.size).toBe(0);
  });

  it('stands aside for Docker behind cri-dockerd', async () => {
    server.runtimeName = 'docker';
    server.close();
    await server.listen();
    server.addContainer(a, pod, {}, info);
    await runtime.start(sink);
    expect(runtime.status()).toMatchObject({ name: 'cri-dockerd', connected: true });
    expect(await runtime.inspect(a)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('reads the rest of a container whose specification is longer than any answer may be', async () => {
    server.addContainer(a, pod, { metadata: { name: 'huge', attempt: 0 } }, `{"x":"${'y'.repeat(17 * 1024 * 1024)}"}`);
    const container = await runtime.inspect(a);
    expect(container).toMatchObject({ name: 'huge', podName: 'web-1' });
    expect(container?.posture?.unknownFields).toContain('privileged');
  });
});

describe('a socket that does not speak CRI', () => {
  it('is nothing missing where it was only found', async () => {
    const bare = new Server();
    const socketPath = join(folder, 'bare.sock');
    await new Promise<void>((resolve) =>
      bare.bindAsync(`unix://${socketPath}`, ServerCredentials.createInsecure(), () => resolve()),
    );
    runtime = makeRuntime({ socketPath, optional: true });
    await runtime.start(sink);
    expect(runtime.status()).toMatchObject({ present: false, connected: false });
    expect(await runtime.inspect(a)).toBeUndefined();
    await runtime.close();
    runtime = makeRuntime({ socketPath });
    await runtime.start(sink);
    expect(runtime.status()).toMatchObject({ present: true, reason: expect.stringContaining('does not speak CRI v1') });
    bare.forceShutdown();
  });

  it('is a failure with a reason where it answers nonsense or nothing', async () => {
    const socketPath = join(folder, 'nonsense.sock');
    const nonsense = createServer((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>((resolve) => nonsense.listen(socketPath, resolve));
    runtime = makeRuntime({ socketPath, requestTimeoutMs: 500 });
    await runtime.start(sink);
    expect(runtime.status()).toMatchObject({ connected: false, reason: expect.stringContaining('nonsense.sock') });
    await expect(runtime.inspect(a)).rejects.toMatchObject({ code: 'cri-unreachable' });
    nonsense.close();
  });
});
