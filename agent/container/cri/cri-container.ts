import {
  type ContainerStatus,
  type ContainerStatusResponse,
  ContainerState as CriContainerState,
  NamespaceMode,
  PodSandboxState,
  type PodSandboxStatus,
  type PodSandboxStatusResponse,
} from '../../../proto/generated/runtime/v1/cri.ts';
import { blankContainer } from '../blank-container.ts';
import { type Container, ContainerState } from '../container.ts';
import { JsonReader } from '../json-reader.ts';
import type { NamespaceKind } from '../namespace-probe.ts';
import { type CriImageFacts, criImage } from './cri-image.ts';
import { parseInfo } from './cri-info.ts';
import { defaultCapabilitiesOf } from './default-capabilities.ts';
import { type HostProbes, ociPosture } from './oci-posture.ts';

/** What every sandbox is called: in its pod there is one. */
export const sandboxName = 'pause';
const maxLabels = 256;
const restartCountAnnotation = 'io.kubernetes.container.restartCount';

export interface CriContainerParts {
  runtime: string;
  /** Undefined when the runtime does not have the pod any more. */
  sandbox: PodSandboxStatusResponse | undefined;
  image: CriImageFacts | undefined;
  probes: HostProbes;
}

/** From the verbose answer to ContainerStatus. */
export function criContainer(answer: ContainerStatusResponse, parts: CriContainerParts): Container {
  const status = answer.status as ContainerStatus;
  const { runtime, sandbox } = parts;
  const labels = limitedLabels({ ...sandbox?.status?.labels, ...status.labels });
  const name = status.metadata?.name || labels['io.kubernetes.container.name'] || status.id.slice(0, 12);
  const info = new JsonReader(parseInfo(answer.info));
  const state = containerState(status.state);
  return {
    ...blankContainer(runtime, status.id, name),
    ...podNames(runtime, labels, sandbox?.status),
    image: criImage(status, parts.image),
    posture: ociPosture(
      {
        spec: info.raw('runtimeSpec'),
        privileged: privilegedOf(info),
        defaultCapabilities: defaultCapabilitiesOf(runtime),
        podNamespaces: podNamespaces(sandbox?.status),
        mounts: status.mounts.map(({ hostPath, containerPath, readonly }) => ({
          ...{ source: hostPath, destination: containerPath, writable: !readonly, type: 'bind' },
        })),
      },
      parts.probes,
    ),
    labels,
    createdUnixNs: status.createdAt,
    startedUnixNs: status.startedAt,
    finishedUnixNs: state === ContainerState.EXITED ? status.finishedAt : 0n,
    initPid: state === ContainerState.RUNNING ? info.count('pid') : 0,
    restartCount: restartCount(status),
    state,
  };
}

/** From the verbose answer to PodSandboxStatus. CRI does not tell when a sandbox ended: `nowUnixNs` stands for that. */
export function criSandbox(answer: PodSandboxStatusResponse, parts: CriContainerParts, nowUnixNs: bigint): Container {
  const status = answer.status as PodSandboxStatus;
  const { runtime, image } = parts;
  const labels = limitedLabels(status.labels);
  const info = new JsonReader(parseInfo(answer.info));
  const isReady = status.state === PodSandboxState.READY;
  const reference = info.text('image');
  return {
    ...blankContainer(runtime, status.id, sandboxName),
    ...podNames(runtime, labels, status),
    image: { repoDigests: [], targetDigest: '', platform: '', configDigest: '', ...image, reference },
    posture: ociPosture(
      {
        spec: info.raw('runtimeSpec'),
        // That of a pod says what its containers may ask for; the sandbox itself never is.
        privileged: false,
        defaultCapabilities: defaultCapabilitiesOf(runtime),
        podNamespaces: podNamespaces(status),
        mounts: [],
      },
      parts.probes,
    ),
    labels,
    createdUnixNs: status.createdAt,
    startedUnixNs: status.createdAt,
    finishedUnixNs: isReady ? 0n : nowUnixNs,
    initPid: isReady ? info.count('pid') : 0,
    restartCount: status.metadata?.attempt ?? 0,
    state: isReady ? ContainerState.RUNNING : ContainerState.EXITED,
    sandbox: true,
  };
}

/** The image a sandbox was made from, which only the runtime's own information names. */
export function sandboxImageOf(answer: PodSandboxStatusResponse): string {
  return new JsonReader(parseInfo(answer.info)).text('image');
}

/** The sandbox a container is in, where the runtime's own information tells. */
export function sandboxIdOf(answer: ContainerStatusResponse): string | undefined {
  return new JsonReader(parseInfo(answer.info)).text('sandboxID') || undefined;
}

/** CRI-O says it in so many words, containerd repeats the request; without either it is not known. */
function privilegedOf(info: JsonReader): boolean | undefined {
  const security = info.object('config').object('linux').object('security_context');
  const told = info.raw('privileged') ?? (info.has('config') ? (security.raw('privileged') ?? false) : undefined);
  return typeof told === 'boolean' ? told : undefined;
}

function containerState(state: CriContainerState): ContainerState {
  switch (state) {
    case CriContainerState.CREATED:
      return ContainerState.CREATED;
    case CriContainerState.RUNNING:
      return ContainerState.RUNNING;
    case CriContainerState.EXITED:
      return ContainerState.EXITED;
    default:
      return ContainerState.UNSPECIFIED;
  }
}

function podNames(
  runtime: string,
  labels: Record<string, string>,
  pod: PodSandboxStatus | undefined,
): Partial<Container> {
  return {
    podName: pod?.metadata?.name || labels['io.kubernetes.pod.name'] || '',
    podUid: pod?.metadata?.uid || labels['io.kubernetes.pod.uid'] || '',
    namespace: pod?.metadata?.namespace || labels['io.kubernetes.pod.namespace'] || runtime,
  };
}

/** Which namespaces of its node the pod was asked to use. A node's host name goes with its network. */
function podNamespaces(pod: PodSandboxStatus | undefined): Partial<Record<NamespaceKind, boolean>> {
  const options = pod?.linux?.namespaces?.options;
  if (options === undefined) return {};
  return {
    pid: options.pid === NamespaceMode.NODE,
    net: options.network === NamespaceMode.NODE,
    ipc: options.ipc === NamespaceMode.NODE,
  };
}

function restartCount(status: ContainerStatus): number {
  const annotated = Number(status.annotations[restartCountAnnotation]);
  return Number.isSafeInteger(annotated) && annotated > 0 ? annotated : (status.metadata?.attempt ?? 0);
}

function limitedLabels(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).slice(0, maxLabels));
}
