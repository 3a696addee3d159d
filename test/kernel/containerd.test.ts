import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Container, ContainerState } from '../../agent/container/container.ts';
import { CriRuntime } from '../../agent/container/cri/cri-runtime.ts';
import { DockerRuntime } from '../../agent/container/docker.ts';
import { hostProbes } from '../../agent/container/host-runtimes.ts';
import { hostSocketProbe } from '../../agent/container/runtime-sockets.ts';
import { Backoff } from '../../common/backoff.ts';
import { type AttributionLab, startAttribution } from '../support/attribution-lab.ts';
import { Containerd } from '../support/containerd.ts';
import type { Pod } from '../support/cri-client.ts';
import {
  buildImage,
  cgroupIdOf,
  cleanUp,
  docker,
  image as dockerImage,
  run,
  until,
} from '../support/docker-directory.ts';

const uid = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const containerd = new Containerd();
const image = (): string => containerd.image.reference;
let lab: AttributionLab;
let pod: Pod;
let before: string;

beforeAll(async () => {
  buildImage();
  await containerd.start();
  pod = await containerd.runPod({ name: 'web-1', uid, labels: { app: 'web' } });
  before = await containerd.cri.runContainer(pod, { name: 'before', image: image(), command: ['sleep', '600'] });
  lab = await startAttribution((parts) => [
    new DockerRuntime({ ...parts, probe: hostSocketProbe('/proc') }),
    new CriRuntime({
      ...{ ...parts, socketPath: containerd.socketPath, probes: hostProbes('/proc') },
      // Long, so that what is found sooner was found through the kernel.
      pollIntervalMs: 2000,
      backoff: new Backoff({ initialMs: 20, maxMs: 100 }),
    }),
  ]);
});

afterAll(async () => {
  await lab?.close();
  await containerd.remove();
  await cleanUp();
});

const running = (id: string): Promise<Container> =>
  until('the container to run', () => {
    const container = lab.directory.get(id);
    return container?.state === ContainerState.RUNNING && container.initPid > 0 && container;
  });
const ended = (id: string): Promise<Container> =>
  until('the end of the container', () => {
    const container = lab.directory.get(id);
    return container?.state === ContainerState.EXITED && container;
  });
const cgroupOf = (id: string): string => `/${containerd.cgroupParent}/besteffort/pod${uid}/${id}`;

describe('containers of a real containerd', () => {
  it('knows what ran before the agent: container, pod, image, cgroup, sandbox', async () => {
    const runtime = lab.directory.status().runtimes.find(({ name }) => name === 'containerd');
    expect(runtime).toMatchObject({ present: true, connected: true, reason: '' });
    expect(runtime?.version).toMatch(/^\d+\.\d+/);
    const container = lab.directory.get(before);
    expect(container).toMatchObject({
      ...{ id: before, name: 'before', runtime: 'containerd', namespace: 'shop', podName: 'web-1', podUid: uid },
      ...{ labels: { app: 'web' }, sandbox: false, restartCount: 0, state: ContainerState.RUNNING, finishedUnixNs: 0n },
      ...{ cgroupId: cgroupIdOf(cgroupOf(before)), cgroupPath: cgroupOf(before) },
    });
    const { manifestDigest, configDigest } = containerd.image;
    expect(container?.image).toEqual({
      reference: 'registry.test/shop/checkout:4.2',
      configDigest,
      repoDigests: [`registry.test/shop/checkout@${manifestDigest}`],
      targetDigest: '',
      platform: expect.stringMatching(/^linux\//),
    });
    expect(readFileSync(`/proc/${container?.initPid}/cmdline`, 'utf8')).toBe(['sleep', '600', ''].join('\0'));
    expect(container?.startedUnixNs).toBeGreaterThan(container?.createdUnixNs ?? 0n);
    expect(lab.directory.get(pod.id)).toMatchObject({
      ...{ name: 'pause', sandbox: true, podName: 'web-1', podUid: uid, namespace: 'shop', labels: { app: 'web' } },
      ...{ state: ContainerState.RUNNING, cgroupPath: cgroupOf(pod.id), image: { reference: 'registry.test/pause:1' } },
    });
  });

  it('names container, image and process chain of programs, sandbox and container in their order', async () => {
    const own = await containerd.runPod({ name: 'order', uid });
    const id = await containerd.cri.runContainer(own, {
      ...{ name: 'order', image: image(), command: ['sh', '-c', 'sleep 0.05; true'], attempt: 3 },
    });
    const execs = await until('both programs', () => lab.execsOf(id).length === 2 && lab.execsOf(id));
    const paused = await until('the sandbox', () => lab.execsOf(own.id).length === 1 && lab.execsOf(own.id));
    for (const { attribution, missing, container } of [...execs, ...paused]) {
      expect(missing).toEqual([]);
      expect(['complete', 'late']).toContain(attribution);
      expect(container.image?.configDigest).toMatch(/^sha256:/);
      expect(container.posture?.unknownFields).toEqual([]);
      expect(container).toMatchObject({ runtime: 'containerd', podName: 'order', namespace: 'shop' });
    }
    expect(execs[0]?.container).toMatchObject({ name: 'order', restartCount: 3, sandbox: false });
    expect(paused[0]?.container.sandbox).toBe(true);
    const [shell, sleep] = execs.map(({ execution }) => execution);
    expect(shell).toMatchObject({ entry: 'container-init', containerPid: 1, containerId: id });
    expect(sleep).toMatchObject({ entry: 'internal', argv: ['sleep', '0.05'] });
    expect(sleep?.parent).toBe(shell);
    const gone = await ended(id);
    expect(gone.finishedUnixNs).toBeGreaterThan(gone.startedUnixNs);
  });

  it('attributes a container that is removed before the next list', async () => {
    const id = await containerd.cri.runContainer(pod, { name: 'short', image: image(), command: ['true'] });
    const execs = await until('the program', () => lab.execsOf(id).length === 1 && lab.execsOf(id));
    await containerd.cri.removeContainer(id);
    expect(execs[0]).toMatchObject({ missing: [], container: { name: 'short', podName: 'web-1' } });
    await ended(id);
    expect(lab.directory.lookup(execs[0]?.event.cgroupId ?? 0n)).toMatchObject({ container: { id, name: 'short' } });
  });

  it('tells a session that is put into a container from its first program', async () => {
    const id = await containerd.cri.runContainer(pod, { name: 'session', image: image(), command: ['sleep', '600'] });
    await until('the first program', () => lab.execsOf(id).length === 1);
    expect(await containerd.cri.exec(id, ['sh', '-c', 'sleep 0; echo done'])).toBe('done\n');
    const execs = await until('the programs', () => lab.execsOf(id).length === 3 && lab.execsOf(id));
    expect(execs.map(({ execution }) => execution?.entry)).toEqual(['container-init', 'exec-session', 'internal']);
    expect(execs.every(({ missing }) => missing.length === 0)).toBe(true);
    expect(execs[2]?.execution?.parent).toBe(execs[1]?.execution);
  });

  it('sees the kill of a container at once', async () => {
    const id = await containerd.cri.runContainer(pod, { name: 'victim', image: image(), command: ['sleep', '600'] });
    const container = await running(id);
    process.kill(container.initPid, 'SIGKILL');
    await until('the exit', () =>
      lab.ended.find(({ containerId, exitSignal }) => containerId === id && exitSignal === 9),
    );
    expect((await ended(id)).finishedUnixNs).toBeGreaterThan(container.startedUnixNs);
  });

  it('keeps apart what Docker runs and what containerd runs', async () => {
    const id = await run(dockerImage, 'sleep', '600');
    await until('Docker’s container', () => lab.directory.get(id)?.state === ContainerState.RUNNING);
    expect(lab.directory.get(id)?.runtime).toBe('docker');
    expect(lab.directory.get(before)?.runtime).toBe('containerd');
    expect(lab.directory.list().filter((container) => container.id === id)).toHaveLength(1);
    await docker('rm', '-f', id);
  });
});

describe('posture of containers of containerd', () => {
  const postureOf = async (id: string) => (await running(id)).posture;

  it('is plain for a plain container', async () => {
    expect(await postureOf(before)).toMatchObject({
      ...{ privileged: false, hostPid: false, hostIpc: false, hostUser: false, noNewPrivileges: false, user: '0:0' },
      ...{ addedCapabilities: [], droppedCapabilities: [], seccompUnconfined: false, readOnlyRootFilesystem: false },
      ...{ devices: [], runtimeSockets: [], unknownFields: [] },
      // Every pod here uses its node's network, which needs no plugin.
      ...{ hostNetwork: true, hostUts: true },
    });
  });

  it('tells what was taken away and what was added', async () => {
    const id = await containerd.cri.runContainer(pod, {
      ...{ name: 'tuned', image: image(), command: ['sleep', '600'] },
      mounts: [
        { hostPath: containerd.socketPath, containerPath: '/run/containerd/containerd.sock', readonly: false },
        { hostPath: '/etc', containerPath: '/host/etc', readonly: true },
      ],
      security: {
        capabilities: { addCapabilities: ['SYS_ADMIN'], dropCapabilities: ['NET_RAW', 'MKNOD'] },
        seccomp: { profileType: 1 },
        ...{ runAsUser: { value: 1000n }, readonlyRootfs: true, noNewPrivs: true },
      },
    });
    const posture = await postureOf(id);
    expect(posture).toMatchObject({
      ...{ addedCapabilities: ['CAP_SYS_ADMIN'], droppedCapabilities: ['CAP_MKNOD', 'CAP_NET_RAW'] },
      ...{ seccompUnconfined: true, readOnlyRootFilesystem: true, noNewPrivileges: true, user: '1000:0' },
      ...{ privileged: false, runtimeSockets: [containerd.socketPath], unknownFields: [] },
    });
    expect(posture?.mounts).toContainEqual({
      ...{ source: '/etc', destination: '/host/etc', writable: false, type: 'bind' },
    });
    expect(posture?.mounts.find(({ source }) => source === containerd.socketPath)?.writable).toBe(true);
  });

  it('tells a container that has no capability left', async () => {
    const id = await containerd.cri.runContainer(pod, {
      ...{ name: 'bare', image: image(), command: ['sleep', '600'] },
      security: { capabilities: { addCapabilities: [], dropCapabilities: ['ALL'] } },
    });
    const posture = await postureOf(id);
    expect(posture?.droppedCapabilities).toHaveLength(14);
    expect(posture).toMatchObject({ addedCapabilities: [], unknownFields: [] });
  });

  it('tells a privileged container in the pid namespace of its node', async () => {
    const own = await containerd.runPod({ name: 'node-agent', uid, hostPid: true, privileged: true });
    const id = await containerd.cri.runContainer(own, {
      ...{ name: 'node-agent', image: image(), command: ['sleep', '600'], security: { privileged: true } },
    });
    const posture = await postureOf(id);
    expect(posture).toMatchObject({ privileged: true, hostPid: true, hostNetwork: true, seccompUnconfined: true });
    expect(posture?.addedCapabilities).toContain('CAP_SYS_ADMIN');
    expect(posture?.unknownFields).toEqual([]);
  });
});

describe('a containerd that restarts', () => {
  it('loses and doubles no container, and finds what ended meanwhile', async () => {
    const stays = await containerd.cri.runContainer(pod, { name: 'stays', image: image(), command: ['sleep', '600'] });
    const dies = await containerd.cri.runContainer(pod, { name: 'dies', image: image(), command: ['sleep', '600'] });
    const { initPid } = await running(dies);
    await running(stays);
    const told = lab.updates.filter(({ id }) => id === stays).length;
    const runtime = () => lab.directory.status().runtimes.find(({ name }) => name === 'containerd');
    await containerd.halt();
    await until('the disconnection', () => runtime()?.connected === false);
    expect(runtime()?.reason).not.toBe('');
    process.kill(initPid, 'SIGKILL');
    expect(lab.directory.lookup(cgroupIdOf(cgroupOf(stays)))).toMatchObject({ container: { id: stays } });
    await containerd.launch();
    await until('the reconnection', () => runtime()?.connected);
    await ended(dies);
    expect(lab.updates.filter(({ id, state }) => id === dies && state === ContainerState.EXITED)).toHaveLength(1);
    expect(lab.directory.get(stays)).toMatchObject({ state: ContainerState.RUNNING, name: 'stays' });
    expect(lab.updates.filter(({ id }) => id === stays)).toHaveLength(told);
    const comes = await containerd.cri.runContainer(pod, { name: 'comes', image: image(), command: ['sleep', '600'] });
    expect(await running(comes)).toMatchObject({ name: 'comes', podName: 'web-1' });
  });
});
