import { blankContainer } from './blank-container.ts';
import type { Container, Image } from './container.ts';
import { ContainerState } from './container.ts';
import { JsonReader } from './json-reader.ts';
import { dockerPosture } from './posture.ts';
import type { SocketProbe } from './runtime-sockets.ts';

const maxLabels = 256;
const maxRepoDigests = 64;
const maxHealthCheckWords = 64;
/** Attributes of container events that are not labels. */
const eventAttributes = new Set([
  'image',
  'name',
  'oldName',
  'exitCode',
  'execID',
  'execDuration',
  'signal',
  'comment',
]);

/** What Docker knows of an image beyond what the container tells. */
export interface DockerImageFacts {
  repoDigests: string[];
  /** "linux/amd64"; empty if not told. */
  platform: string;
  /** Digest of the index or manifest the image is stored under (containerd image store); empty in the classic store. */
  targetDigest: string;
  /** Diff ids, the lowest first. */
  layerDigests: string[];
}

/** From GET /images/{id}/json. */
export function dockerImageFacts(inspect: unknown): DockerImageFacts {
  const image = new JsonReader(inspect);
  const repoDigests = image.texts('RepoDigests').slice(0, maxRepoDigests);
  const id = image.text('Id');
  const [os, architecture, variant] = [image.text('Os'), image.text('Architecture'), image.text('Variant')];
  // In the containerd store an image's id is the digest it was pulled by, in the classic store that of its config.
  const storedByTarget = image.has('Descriptor') || repoDigests.some((digest) => digest.endsWith(`@${id}`));
  return {
    repoDigests,
    layerDigests: image.object('RootFS').texts('Layers'),
    platform: [os, architecture, variant].filter((part) => part !== '').join('/'),
    targetDigest: storedByTarget ? image.object('Descriptor').text('digest') || id : '',
  };
}

/** From GET /containers/{id}/json. `facts` is undefined when the image is gone or could not be asked for. */
export function dockerContainer(
  inspect: unknown,
  facts: DockerImageFacts | undefined,
  probe: SocketProbe,
  runtime = 'docker',
): Container {
  const top = new JsonReader(inspect);
  const state = top.object('State');
  const config = top.object('Config');
  const labels = config.textMap('Labels', maxLabels);
  return {
    ...blankContainer(runtime, top.text('Id'), top.text('Name').replace(/^\//, '')),
    ...kubernetesNames(runtime, labels),
    image: dockerImage(top, config, facts),
    posture: dockerPosture(inspect, probe),
    labels,
    createdUnixNs: parseRfc3339Ns(top.text('Created')),
    startedUnixNs: parseRfc3339Ns(state.text('StartedAt')),
    finishedUnixNs: stateOf(state) === ContainerState.EXITED ? parseRfc3339Ns(state.text('FinishedAt')) : 0n,
    initPid: state.count('Pid'),
    restartCount: top.count('RestartCount'),
    healthCheck: healthCheckOf(config),
    healthCheckCommand: healthCheckCommandOf(config),
    state: stateOf(state),
  };
}

function dockerImage(top: JsonReader, config: JsonReader, facts: DockerImageFacts | undefined): Image {
  const manifestDigest = top.object('ImageManifestDescriptor').text('digest');
  const targetDigest = manifestDigest || (facts?.targetDigest ?? '');
  return {
    reference: config.text('Image'),
    configDigest: targetDigest === '' ? top.text('Image') : '',
    repoDigests: facts?.repoDigests ?? [],
    targetDigest,
    platform: facts?.platform ?? '',
  };
}

/** Docker shows the image's health check where the container has none of its own; ["NONE"] switches it off. */
function healthCheckOf(config: JsonReader): string {
  const [kind] = config.object('Healthcheck').texts('Test');
  return kind === undefined || kind === 'NONE' ? 'none' : 'command';
}

/**
 * As it is executed: CMD as it stands, CMD-SHELL by the image's shell.
 * @see https://docs.docker.com/reference/dockerfile/#healthcheck
 */
function healthCheckCommandOf(config: JsonReader): string[] {
  const [kind, ...words] = config.object('Healthcheck').texts('Test').slice(0, maxHealthCheckWords);
  if (kind === 'CMD') return words;
  if (kind !== 'CMD-SHELL') return [];
  const shell = config.texts('Shell').slice(0, maxHealthCheckWords);
  return [...(shell.length === 0 ? ['/bin/sh', '-c'] : shell), ...words];
}

function stateOf(state: JsonReader): ContainerState {
  switch (state.text('Status')) {
    case 'created':
      return ContainerState.CREATED;
    case 'running':
    case 'paused':
    case 'restarting':
      return ContainerState.RUNNING;
    case 'removing':
    case 'exited':
    case 'dead':
      return ContainerState.EXITED;
    default:
      return ContainerState.UNSPECIFIED;
  }
}

export interface DockerEvent {
  action: string;
  containerId: string;
  attributes: Record<string, string>;
  timeUnixNs: bigint;
}

/** The poor man's record of a container that was gone before it could be asked for. */
export function containerFromEvent(event: DockerEvent, state: ContainerState, runtime = 'docker'): Container {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(event.attributes).slice(0, maxLabels))
    if (!eventAttributes.has(name)) labels[name] = value;
  return {
    ...blankContainer(runtime, event.containerId, event.attributes.name ?? event.containerId.slice(0, 12)),
    ...kubernetesNames(runtime, labels),
    image: {
      reference: event.attributes.image ?? '',
      configDigest: '',
      repoDigests: [],
      targetDigest: '',
      platform: '',
    },
    labels,
    createdUnixNs: event.action === 'create' ? event.timeUnixNs : 0n,
    startedUnixNs: state === ContainerState.RUNNING ? event.timeUnixNs : 0n,
    finishedUnixNs: state === ContainerState.EXITED ? event.timeUnixNs : 0n,
    state,
  };
}

/** Under cri-dockerd the kubelet's labels tell what the container is called. */
function kubernetesNames(runtime: string, labels: Record<string, string>): Partial<Container> {
  const podName = labels['io.kubernetes.pod.name'];
  if (podName === undefined) return {};
  const names: Partial<Container> = {
    podName,
    sandbox: labels['io.kubernetes.docker.type'] === 'podsandbox',
    podUid: labels['io.kubernetes.pod.uid'] ?? '',
    namespace: labels['io.kubernetes.pod.namespace'] ?? runtime,
  };
  const name = labels['io.kubernetes.container.name'];
  return name === undefined ? names : { ...names, name };
}

/** Nanoseconds since 1970 of an RFC 3339 time with any fraction; 0 for Go's zero time and for what is no time. */
export function parseRfc3339Ns(text: string): bigint {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (parts === null) return 0n;
  const seconds = Date.parse(`${parts[1]}${parts[3]}`) / 1000;
  if (!Number.isFinite(seconds) || seconds <= 0) return 0n;
  return BigInt(seconds) * 1_000_000_000n + BigInt((parts[2] ?? '').padEnd(9, '0'));
}
