import { baseName } from '../../common/program-name.ts';
import type { Container, Posture } from '../container/container.ts';
import { ContainerState } from '../container/container.ts';
import type { CapabilitySets, Credentials, Executable, Privileges, TaskEventBase } from '../decode/kernel-event.ts';
import type { ProcessEntry, ProcessExecution } from '../process/process.ts';
import type { AttributedEvent, DetectableEvent } from './attributed-event.ts';
import { capabilityMask, capabilityNumber } from './capability-names.ts';
import { integrityOfExample } from './example-integrity.ts';
import type { EventKind } from './field-catalog.ts';
import { networkEvent } from './network-example.ts';
import type { ContainerExample, EventExample, ProcessExample } from './rule-example.ts';

/** A kernel event by example, with who did it; what is not given has an unremarkable value. */
export interface EventByExample {
  on: Exclude<EventKind, 'posture'>;
  event?: EventExample | undefined;
  /** null: the process is not known. */
  process?: ProcessExample | null | undefined;
  container?: ContainerExample | undefined;
}

const rootIds: Credentials = { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 };
const hourNs = 3_600_000_000_000n;
/** When the executables of examples were last changed. */
export const exampleChangedUnixNs = 1_690_000_000_000_000_000n;
const containerStartUnixNs = 1_700_000_000_000_000_000n;

/** What a container gets from Docker by default. */
const defaultCapabilities = 0xa80425fbn;

/** The attributed event that an example describes. Same input, same event: nothing is random or taken from a clock. */
export function eventOfExample(example: EventByExample): AttributedEvent {
  const container = containerOfExample(example.container);
  const process = executionOfExample(example.process ?? {}, container.id, 'internal', 40);
  const isKnown = example.process !== null;
  return {
    event: kernelEvent(example.on, example.event ?? {}, process),
    container,
    execution: isKnown ? process : undefined,
    attribution: isKnown ? 'complete' : 'partial',
    missing: isKnown ? [] : ['process'],
    dataComplete: true,
  };
}

/** The execution that an example describes, with its ancestors. */
export function executionOfExample(
  example: ProcessExample,
  containerId: string,
  defaultEntry: ProcessEntry,
  defaultPid: number,
): ProcessExecution {
  const pid = example.pid ?? defaultPid;
  const path = example.executable?.path ?? '/usr/bin/app';
  const argv = example.argv ?? [baseName(path)];
  const entry = example.entry ?? defaultEntry;
  const credentials = { ...rootIds, ...example.credentials };
  const capabilities = capabilitySets(example.capabilities ?? {});
  const parent =
    example.parent === undefined
      ? undefined
      : executionOfExample(example.parent, containerId, 'container-init', defaultPid - 1);
  return {
    executionId: `e5a3b1c2:${pid}:${startOf(pid)}:1`,
    pid,
    containerPid: example.containerPid ?? (entry === 'container-init' ? 1 : pid),
    startKtimeNs: startOf(pid),
    execId: 1n,
    execKtimeNs: startOf(pid) + 1_000n,
    endKtimeNs: undefined,
    executable: executable(path, example),
    filename: example.filename ?? path,
    interpreter: example.interpreter ?? '',
    argv,
    argvTruncated: example.argvTruncated ?? false,
    cwd: example.cwd ?? '/',
    comm: example.comm ?? baseName(path).slice(0, 15),
    credentials,
    capabilities,
    before: before(example, credentials, capabilities),
    stdioSockets: (example.stdioSockets ?? []).map((socket) => ({
      peerAddress: '',
      peerPort: 0,
      peerPid: 0,
      ...socket,
    })),
    hasTty: example.hasTty ?? false,
    tty: example.tty ?? (example.hasTty === true ? 'pts/0' : ''),
    sessionId: example.sessionId ?? pid,
    loginUid: example.loginUid,
    secureExec: example.secureExec ?? false,
    entry,
    observed: example.observed ?? true,
    containerId,
    parent,
    parentMissing: entry === 'internal' && parent === undefined,
    exitCode: undefined,
    exitSignal: undefined,
    coreDumped: undefined,
  };
}

/** The container that an example describes: an ordinary one, started by Docker. */
export function containerOfExample(example: ContainerExample = {}): Container {
  const { image, posture, users: _, ...rest } = example;
  return {
    id: 'c'.repeat(64),
    name: 'web',
    runtime: 'docker',
    labels: {},
    createdUnixNs: containerStartUnixNs,
    startedUnixNs: containerStartUnixNs,
    finishedUnixNs: 0n,
    initPid: 39,
    cgroupId: 4_242n,
    cgroupPath: `/system.slice/docker-${'c'.repeat(64)}.scope`,
    state: ContainerState.RUNNING,
    namespace: 'docker',
    podName: '',
    podUid: '',
    sandbox: false,
    restartCount: 0,
    unusedCapabilities: [],
    healthCheck: '',
    healthCheckCommand: [],
    ...rest,
    image: {
      reference: 'registry.example/shop/web:1.4.2',
      configDigest: `sha256:${'a'.repeat(64)}`,
      repoDigests: [],
      targetDigest: '',
      platform: 'linux/amd64',
      ...image,
    },
    posture: { ...ordinaryPosture(), ...posture },
  };
}

function ordinaryPosture(): Posture {
  return {
    privileged: false,
    hostPid: false,
    hostNetwork: false,
    hostIpc: false,
    hostUts: false,
    hostUser: false,
    addedCapabilities: [],
    droppedCapabilities: [],
    seccompUnconfined: false,
    apparmorUnconfined: false,
    noNewPrivileges: false,
    user: '',
    readOnlyRootFilesystem: false,
    mounts: [],
    devices: [],
    runtimeSockets: [],
    unknownFields: [],
  };
}

/** null: not known. What is not given was as it is after. */
function before(
  example: ProcessExample,
  credentials: Credentials,
  capabilities: CapabilitySets,
): Privileges | undefined {
  if (example.before === null) return undefined;
  return {
    credentials: { ...credentials, ...example.before?.credentials },
    capabilities: { ...capabilities, ...masks(example.before?.capabilities ?? {}) },
  };
}

function startOf(pid: number): bigint {
  return hourNs + BigInt(pid) * 1_000_000n;
}

function executable(path: string, example: ProcessExample): Executable {
  const {
    inode,
    changedSecondsBefore: _,
    changedAfterStartSeconds: changed,
    writer: __,
    ...rest
  } = example.executable ?? {};
  return {
    pathTruncated: false,
    layer: 'image',
    unlinked: false,
    device: 41,
    setuid: false,
    setgid: false,
    mtimeNs: exampleChangedUnixNs,
    ctimeNs: changed === undefined ? exampleChangedUnixNs : containerStartUnixNs + BigInt(changed) * 1_000_000_000n,
    ...rest,
    path,
    inode: BigInt(inode ?? 7_001),
  };
}

export function capabilitySets(example: NonNullable<ProcessExample['capabilities']>): CapabilitySets {
  const byDefault = { effective: defaultCapabilities, permitted: defaultCapabilities, bounding: defaultCapabilities };
  return { ...byDefault, inheritable: 0n, ambient: 0n, ...masks(example) };
}

function masks(example: NonNullable<ProcessExample['capabilities']>): Partial<CapabilitySets> {
  const given: Partial<CapabilitySets> = {};
  for (const [set, names] of Object.entries(example)) {
    const mask = capabilityMask(names);
    if (mask !== undefined) given[set as keyof CapabilitySets] = mask;
  }
  return given;
}

function kernelEvent(on: EventByExample['on'], example: EventExample, execution: ProcessExecution): DetectableEvent {
  const base: TaskEventBase = {
    ktimeNs: execution.execKtimeNs,
    cgroupId: 4_242n,
    pid: execution.pid,
    tid: execution.pid,
    startKtimeNs: execution.startKtimeNs,
    comm: execution.comm,
  };
  switch (on) {
    case 'exec':
      return { ...base, kind: 'exec', ...execRecord(execution) };
    case 'capability': {
      const capabilityName = example.capabilityName ?? 'CAP_CHOWN';
      return {
        ...base,
        kind: 'capability',
        capability: capabilityNumber(capabilityName),
        capabilityName,
        syscallNumber: 92,
        syscallName: example.syscallName ?? 'chown',
        syscallAbi: example.syscallAbi ?? 'native',
        arguments: example.arguments ?? [],
        targetUid: example.targetUid,
        targetGid: example.targetGid,
        targetPid: example.targetPid,
        granted: example.granted ?? true,
        userNamespace: example.userNamespace ?? 'own',
        isInitialUserNamespace: example.initialUserNamespace ?? true,
        repeats: 0,
      };
    }
    case 'syscall': {
      const { syscallName = 'memfd_create', arguments: args = [], targetPid, errno = 0, name = '' } = example;
      const { stdioFd, peerAddress = '', peerPort = 0 } = example;
      const nobody = { targetUid: undefined, targetGid: undefined, targetPid };
      const outcome = { result: errno === 0 ? BigInt(stdioFd ?? 3) : undefined, errno };
      const call = { syscallNumber: 319, syscallName, arguments: args, name };
      return { ...base, kind: 'syscall', ...call, ...nobody, ...outcome, stdioFd, peerAddress, peerPort, repeats: 0 };
    }
    case 'namespace': {
      const before = { mount: 1, pid: 2, network: 3, user: 4, cgroup: 5, ipc: 6, uts: 7, time: 8 };
      const changed = example.changed ?? ['user'];
      const after = { ...before, ...Object.fromEntries(changed.map((kind, index) => [kind, 100 + index])) };
      const { syscallName = '', arguments: flags = [], toHost = [] } = example;
      return { ...base, kind: 'namespace', changed, toHost, before, after, syscallName, arguments: flags, repeats: 0 };
    }
    case 'file':
      return { ...base, kind: 'file', ...fileFacts(example), repeats: 0 };
    case 'integrity':
      return { ...base, kind: 'integrity', seenAt: example.seenAt ?? 'sample', ...integrityOfExample(example) };
    default:
      return networkEvent(on, example, base);
  }
}

function fileFacts(example: EventExample) {
  const path = example.path ?? '/etc/example.conf';
  return {
    operation: example.operation ?? 'write',
    path,
    target: example.target ?? '',
    targetCategory: example.targetCategory ?? '',
    category: example.category ?? 'config',
    watchedPath: example.watchedPath ?? path,
    fileType: example.fileType ?? 'regular',
    mode: Number.parseInt(example.mode ?? '644', 8),
    sizeBytes: example.sizeBytes ?? 100,
  };
}

function execRecord(execution: ProcessExecution) {
  return {
    execId: execution.execId,
    containerPid: execution.containerPid,
    parentPid: execution.parent?.pid ?? 1,
    parentStartKtimeNs: execution.parent?.startKtimeNs ?? 0n,
    executable: execution.executable,
    filename: execution.filename,
    interpreter: execution.interpreter,
    argv: execution.argv,
    argvTruncated: execution.argvTruncated,
    cwd: execution.cwd,
    hasTty: execution.hasTty,
    tty: execution.tty,
    sessionId: execution.sessionId,
    loginUid: execution.loginUid,
    formerTid: execution.pid,
    stdioSockets: [...execution.stdioSockets],
    credentials: execution.credentials,
    capabilities: execution.capabilities,
    before: execution.before,
    namespaces: { mount: 1, pid: 2, network: 3, user: 4 },
    userLevel: 0,
    secureExec: execution.secureExec,
    fromOutside: execution.entry !== 'internal',
  };
}
