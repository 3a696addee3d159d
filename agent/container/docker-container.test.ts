import { describe, expect, it } from 'vitest';
import { ContainerState } from './container.ts';
import { containerFromEvent, dockerContainer, dockerImageFacts, parseRfc3339Ns } from './docker-container.ts';
import { parseDockerEvent } from './docker-events.ts';
import { postureFacts } from './posture.ts';

const id = '8e'.repeat(32);
const config = `sha256:${'44'.repeat(32)}`;
const manifest = `sha256:${'55'.repeat(32)}`;
const index = `sha256:${'66'.repeat(32)}`;
const inspect = {
  Id: id,
  Created: '2026-11-23T12:44:20.383723826Z',
  State: {
    Status: 'running',
    Pid: 11927,
    StartedAt: '2026-11-23T12:44:20.583877802Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Image: config,
  Name: '/elastic_kirch',
  HostConfig: { Privileged: false },
  Config: { Image: 'registry.acme.io/checkout:4.2.1', User: '', Labels: { tier: 'web' } },
};
const probe = (): undefined => undefined;

describe('dockerContainer', () => {
  it('reads a container of the classic image store', () => {
    const facts = dockerImageFacts({
      Id: config,
      RepoDigests: [`registry.acme.io/checkout@${index}`],
      Os: 'linux',
      Architecture: 'arm64',
      Variant: 'v8',
    });
    expect(dockerContainer(inspect, facts, probe)).toMatchObject({
      ...{
        id,
        name: 'elastic_kirch',
        runtime: 'docker',
        namespace: 'docker',
        state: ContainerState.RUNNING,
        initPid: 11927,
      },
      image: {
        ...{ reference: 'registry.acme.io/checkout:4.2.1', configDigest: config, targetDigest: '' },
        ...{ repoDigests: [`registry.acme.io/checkout@${index}`], platform: 'linux/arm64/v8' },
      },
      ...{
        labels: { tier: 'web' },
        createdUnixNs: 1795437860383723826n,
        startedUnixNs: 1795437860583877802n,
        finishedUnixNs: 0n,
      },
    });
  });

  it('does not take the digest of a manifest or index for that of a config (containerd image store)', () => {
    const stored = { ...inspect, Image: index };
    const facts = dockerImageFacts({
      Id: index,
      RepoDigests: [`registry.acme.io/checkout@${index}`],
      Os: 'linux',
      Architecture: 'amd64',
    });
    expect(dockerContainer(stored, facts, probe).image).toMatchObject({ configDigest: '', targetDigest: index });
    const described = {
      ...stored,
      ImageManifestDescriptor: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: manifest },
    };
    expect(dockerContainer(described, facts, probe).image).toMatchObject({ configDigest: '', targetDigest: manifest });
    expect(dockerImageFacts({ Id: index, RepoDigests: [], Descriptor: { digest: index } }).targetDigest).toBe(index);
  });

  it('keeps what it knows when the image is gone', () => {
    expect(dockerContainer(inspect, undefined, probe).image).toEqual({
      ...{
        reference: 'registry.acme.io/checkout:4.2.1',
        configDigest: config,
        repoDigests: [],
        targetDigest: '',
        platform: '',
      },
    });
  });

  it('takes names from the kubelet’s labels under cri-dockerd', () => {
    const labels = {
      'io.kubernetes.pod.name': 'checkout-7d9f',
      'io.kubernetes.pod.namespace': 'payments',
      'io.kubernetes.pod.uid': 'u-1',
      'io.kubernetes.container.name': 'app',
    };
    const container = dockerContainer({ ...inspect, Config: { ...inspect.Config, Labels: labels } }, undefined, probe);
    expect(container).toMatchObject({ namespace: 'payments', podName: 'checkout-7d9f', podUid: 'u-1', name: 'app' });
  });

  it('reads states and the end', () => {
    const ended = {
      ...inspect,
      State: { ...inspect.State, Status: 'exited', Pid: 0, FinishedAt: '2026-11-23T12:45:00Z' },
    };
    expect(dockerContainer(ended, undefined, probe)).toMatchObject({
      state: ContainerState.EXITED,
      finishedUnixNs: 1795437900000000000n,
    });
    for (const [status, state] of [
      ['created', ContainerState.CREATED],
      ['paused', ContainerState.RUNNING],
      ['dead', ContainerState.EXITED],
      ['new-fangled', ContainerState.UNSPECIFIED],
    ])
      expect(dockerContainer({ ...inspect, State: { Status: status } }, undefined, probe).state).toBe(state);
  });

  it('survives an answer of the wrong shape', () => {
    expect(dockerContainer({ Id: 7, State: [], Config: { Labels: { a: 1, b: 'x' } } }, undefined, probe)).toMatchObject(
      {
        ...{ id: '', state: ContainerState.UNSPECIFIED, labels: { b: 'x' }, createdUnixNs: 0n },
        posture: { unknownFields: [...postureFacts] },
      },
    );
  });
});

describe('docker events', () => {
  const line = `{"status":"start","id":"${id}","from":"bb","Type":"container","Action":"start","Actor":{"ID":"${id}","Attributes":{"a":"b","exitCode":"0","image":"bb","name":"evt"}},"scope":"local","time":1795438281,"timeNano":1795438281766453464}`;

  it('reads times to the nanosecond', () => {
    expect(parseDockerEvent(line)).toEqual({
      ...{ action: 'start', containerId: id, timeUnixNs: 1795438281766453464n },
      attributes: { a: 'b', exitCode: '0', image: 'bb', name: 'evt' },
    });
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{}',
    line.replace('"container"', '"network"'),
    line.replace('timeNano', 'x'),
    line.replaceAll('"ID"', '"x"'),
  ])('refuses %j', (text) => {
    expect(parseDockerEvent(text)).toBeUndefined();
  });

  it('makes a record of what the event says, and admits what it does not say', () => {
    const event = parseDockerEvent(line);
    expect(event && containerFromEvent(event, ContainerState.RUNNING)).toMatchObject({
      ...{ id, name: 'evt', labels: { a: 'b' }, startedUnixNs: 1795438281766453464n, createdUnixNs: 0n },
      image: { reference: 'bb', configDigest: '' },
      posture: { unknownFields: [...postureFacts] },
    });
  });
});

describe('parseRfc3339Ns', () => {
  const cases: [string, bigint][] = [
    ['1970-01-01T00:00:01Z', 1_000_000_000n],
    ['1970-01-01T00:00:01.5Z', 1_500_000_000n],
    ['1970-01-01T01:00:01.000000001+01:00', 1_000_000_001n],
    ['0001-01-01T00:00:00Z', 0n],
    ['2026-13-45T99:99:99Z', 0n],
    ['yesterday', 0n],
    ['', 0n],
  ];
  it.each(cases)('%s', (text, expected) => {
    expect(parseRfc3339Ns(text)).toBe(expected);
  });
});
