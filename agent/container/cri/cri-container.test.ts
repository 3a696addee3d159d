import { describe, expect, it } from 'vitest';
import {
  ContainerStatus,
  ContainerState as CriState,
  NamespaceMode,
  PodSandboxState,
  PodSandboxStatus,
  type PodSandboxStatusResponse,
} from '../../../proto/generated/runtime/v1/cri.ts';
import { type Container, ContainerState } from '../container.ts';
import { criContainer, criSandbox } from './cri-container.ts';
import { maxInfoLength } from './cri-info.ts';

const id = 'a1'.repeat(32);
const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const probes = { socket: () => true, namespace: () => undefined, apparmor: () => true };
const facts = {
  configDigest: digest('c'),
  repoDigests: [`quay.io/shop/web@${digest('d')}`],
  platform: 'linux/arm64',
  layerDigests: [],
};
const { layerDigests: _, ...toldFacts } = facts;
const sandbox: PodSandboxStatusResponse = {
  status: PodSandboxStatus.fromPartial({
    id: 'b2'.repeat(32),
    metadata: { name: 'web-1', uid: 'the-uid', namespace: 'shop', attempt: 2 },
    state: PodSandboxState.READY,
    createdAt: 7n,
    labels: { app: 'web', 'io.kubernetes.container.name': 'POD' },
    linux: {
      namespaces: { options: { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER, ipc: NamespaceMode.POD } },
    },
  }),
  info: {},
};

/** As CRI-O puts it. */
const crioInfo = {
  sandboxID: 'b2'.repeat(32),
  pid: 4711,
  privileged: false,
  runtimeSpec: {
    process: {
      user: { uid: 1000, gid: 1000 },
      capabilities: { bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'] },
      noNewPrivileges: true,
      apparmorProfile: 'crio-default',
    },
    root: { readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] },
      { destination: '/crio.sock', type: 'bind', source: '/run/crio/crio.sock', options: ['rw', 'rbind'] },
    ],
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'network', path: '/var/run/netns/1' },
        { type: 'ipc', path: '/var/run/ipcns/1' },
        { type: 'uts', path: '/var/run/utsns/1' },
        { type: 'mount' },
      ],
      seccomp: { defaultAction: 'SCMP_ACT_ERRNO' },
      devices: [{ path: '/dev/fuse', type: 'c' }],
    },
  },
};

function read(status: object, info: unknown, runtime = 'cri-o'): Container {
  const text = typeof info === 'string' ? info : JSON.stringify(info);
  const made = ContainerStatus.fromPartial({
    ...{ id, state: CriState.RUNNING, createdAt: 1n, startedAt: 2n, metadata: { name: 'web', attempt: 1 } },
    ...{ image: { image: 'quay.io/shop/web:1' }, imageRef: `quay.io/shop/web@${digest('d')}` },
    ...status,
  });
  return criContainer({ status: made, info: { info: text } }, { runtime, sandbox, image: facts, probes });
}

const withSpec = (change: (spec: Record<'process' | 'linux', object>) => void): unknown => {
  const info = structuredClone(crioInfo);
  change(info.runtimeSpec as never);
  return info;
};

describe('criContainer', () => {
  it('joins container, pod and image', () => {
    expect(read({ annotations: { 'io.kubernetes.container.restartCount': '4' } }, crioInfo)).toMatchObject({
      ...{ id, name: 'web', runtime: 'cri-o', namespace: 'shop', podName: 'web-1', podUid: 'the-uid', restartCount: 4 },
      ...{ initPid: 4711, createdUnixNs: 1n, startedUnixNs: 2n, finishedUnixNs: 0n, state: ContainerState.RUNNING },
      image: { reference: 'quay.io/shop/web:1', targetDigest: '', ...toldFacts },
      labels: { app: 'web' },
    });
  });

  it('reads the posture from the specification of CRI-O', () => {
    expect(read({}, crioInfo).posture).toEqual({
      ...{ privileged: false, hostPid: false, hostNetwork: true, hostIpc: false, hostUts: false, hostUser: false },
      addedCapabilities: ['CAP_NET_RAW'],
      droppedCapabilities: [
        ...['CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_NET_BIND_SERVICE', 'CAP_SETGID', 'CAP_SETPCAP'],
        'CAP_SETUID',
      ],
      ...{ seccompUnconfined: false, apparmorUnconfined: false, noNewPrivileges: true, user: '1000:1000' },
      ...{ readOnlyRootFilesystem: true, devices: ['/dev/fuse'], runtimeSockets: ['/run/crio/crio.sock'] },
      mounts: [{ source: '/run/crio/crio.sock', destination: '/crio.sock', writable: true, type: 'bind' }],
      // The pod's is held by a file that nobody can compare here, and no request names it.
      unknownFields: ['hostUts'],
    });
  });

  it('takes a namespace that is not named for the host’s, and no seccomp for unconfined', () => {
    const info = withSpec((spec) => Object.assign(spec.linux, { namespaces: [{ type: 'mount' }], seccomp: null }));
    expect(read({}, info).posture).toMatchObject({
      ...{ hostPid: true, hostNetwork: true, hostIpc: true, hostUts: true, seccompUnconfined: true, unknownFields: [] },
    });
  });

  it('reads privileged from the request that containerd repeats', () => {
    const { privileged: _, ...rest } = crioInfo;
    const config = (security: object | undefined) => ({ ...rest, config: { linux: { security_context: security } } });
    expect(read({}, config({ privileged: true }), 'containerd').posture?.privileged).toBe(true);
    expect(read({}, config(undefined), 'containerd').posture).toMatchObject({ privileged: false });
    expect(read({}, config({ privileged: 'yes' }), 'containerd').posture?.unknownFields).toContain('privileged');
    expect(read({}, rest, 'containerd').posture?.unknownFields).toContain('privileged');
  });

  it.each([
    ['is missing', '{}'],
    ['is no JSON', '{"runtimeSpec":'],
    ['is no object', '[1,2]'],
    ['is too long', JSON.stringify({ ...crioInfo, x: 'y'.repeat(maxInfoLength) })],
    ['has no process', JSON.stringify({ runtimeSpec: { linux: {} } })],
    ['is nested without end', `${'['.repeat(500_000)}`],
  ])('knows nothing, not nothing bad, of a specification that %s', (_what, info) => {
    const container = read({ mounts: [{ hostPath: '/', containerPath: '/host', readonly: false }] }, info);
    expect(container).toMatchObject({ name: 'web', podName: 'web-1', image: { configDigest: facts.configDigest } });
    expect(container.posture?.unknownFields).toEqual(expect.arrayContaining(['privileged', 'hostPid', 'user']));
    // Told beside the specification.
    expect(container.posture?.unknownFields).not.toContain('mounts');
    expect(container.posture?.mounts).toEqual([{ source: '/', destination: '/host', writable: true, type: 'bind' }]);
    expect(container.posture?.runtimeSockets).toContain('/run/crio/crio.sock');
  });

  it('marks facts of another type as unknown, and keeps the others', () => {
    const info = withSpec((spec) => {
      Object.assign(spec.process, { noNewPrivileges: 'yes', capabilities: { bounding: 'ALL' }, user: { uid: -1 } });
      Object.assign(spec.linux, { namespaces: 7, devices: [1] });
    });
    const { posture } = read({}, info);
    for (const fact of ['noNewPrivileges', 'addedCapabilities', 'droppedCapabilities', 'user', 'hostPid', 'devices'])
      expect(posture?.unknownFields).toContain(fact);
    expect(posture).toMatchObject({ readOnlyRootFilesystem: true, seccompUnconfined: false });
    expect(posture?.unknownFields).not.toContain('privileged');
  });

  it('keeps a bounded number of mounts and labels, and says so of mounts', () => {
    const mounts = Array.from({ length: 5000 }, (_, i) => ({
      ...{ destination: `/${i}`, source: `/${i}`, type: 'bind' },
    }));
    const labels = Object.fromEntries(mounts.map(({ source }) => [source, 'x']));
    const container = read(
      { labels },
      withSpec((spec) => Object.assign(spec, { mounts })),
    );
    expect(container.posture?.mounts).toHaveLength(128);
    expect(container.posture?.unknownFields).toContain('mounts');
    expect(Object.keys(container.labels)).toHaveLength(256);
  });

  it('leaves the pid and the end out where they are not true any more', () => {
    expect(read({ state: CriState.EXITED, finishedAt: 9n }, crioInfo)).toMatchObject({
      initPid: 0,
      finishedUnixNs: 9n,
    });
    expect(read({ state: CriState.CREATED, finishedAt: 9n }, crioInfo)).toMatchObject({
      initPid: 0,
      finishedUnixNs: 0n,
    });
    expect(read({ state: CriState.UNKNOWN }, crioInfo).state).toBe(ContainerState.UNSPECIFIED);
  });
});

describe('the image of a CRI container', () => {
  const imageOf = (status: object, image: typeof facts | undefined) =>
    criContainer(
      { status: ContainerStatus.fromPartial({ id, ...status }), info: {} },
      { runtime: 'cri-o', sandbox: undefined, image, probes },
    ).image;

  it.each([
    ['a config digest', digest('a'), digest('a'), []],
    ['a config digest as CRI-O writes it', 'a'.repeat(64), digest('a'), []],
    ['the digest it was pulled by', `quay.io/x@${digest('e')}`, '', [`quay.io/x@${digest('e')}`]],
    ['a tag', 'quay.io/x:1', '', []],
    ['nonsense', 'sha256:xyz', '', []],
  ])(
    'never mixes digests where the image is gone and its reference is %s',
    (_what, imageRef, configDigest, repoDigests) => {
      expect(imageOf({ imageRef }, undefined)).toMatchObject({ configDigest, repoDigests, targetDigest: '' });
    },
  );

  it('prefers the name the user wrote, and takes no digest for a name', () => {
    const image = { image: digest('a'), userSpecifiedImage: '' };
    expect(imageOf({ image, imageRef: digest('a') }, facts)).toMatchObject({
      reference: '',
      configDigest: digest('c'),
    });
    expect(imageOf({ image: { ...image, userSpecifiedImage: 'web:1' } }, facts)?.reference).toBe('web:1');
  });
});

describe('criSandbox', () => {
  it('is the pause container of its pod', () => {
    const info = JSON.stringify({ image: 'registry.k8s.io/pause:3.9', pid: 4700, runtimeSpec: crioInfo.runtimeSpec });
    const container = criSandbox(
      { ...sandbox, info: { info } },
      { runtime: 'cri-o', sandbox, image: facts, probes },
      99n,
    );
    expect(container).toMatchObject({
      ...{ name: 'pause', sandbox: true, podName: 'web-1', podUid: 'the-uid', namespace: 'shop', restartCount: 2 },
      ...{ initPid: 4700, state: ContainerState.RUNNING, startedUnixNs: 7n, finishedUnixNs: 0n },
      image: { reference: 'registry.k8s.io/pause:3.9', configDigest: facts.configDigest },
      posture: { privileged: false, hostNetwork: true },
    });
  });

  it('has ended when it is first seen not ready', () => {
    const status = { ...sandbox.status, state: PodSandboxState.NOT_READY } as PodSandboxStatus;
    const ended = criSandbox({ status, info: {} }, { runtime: 'cri-o', sandbox, image: undefined, probes }, 99n);
    expect(ended).toMatchObject({ state: ContainerState.EXITED, finishedUnixNs: 99n, initPid: 0 });
    expect(ended.posture?.unknownFields).toContain('privileged');
  });
});
