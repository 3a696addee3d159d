import { isIP } from 'node:net';
import type {
  CapabilityEvidence,
  DnsEvidence,
  Finding,
  HeldPrivileges,
  ImageEvidence,
  IntegrityEvidence,
  NamespaceChange,
  NamespaceEvidence,
  NetworkEvidence,
  SyscallEvidence,
  UnixSocketEvidence,
} from '../../../proto/generated/tallyman/v1/finding.ts';
import type { ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import type { Alert } from '../../decide/alert.ts';
import { dataGapsText } from './data-gaps.ts';
import { imageNameOf } from './image-name.ts';
import { fileData, ocsfFile } from './ocsf-file.ts';
import { layerWord, ocsfProcess } from './ocsf-process.ts';
import { capabilityMask, jsonNumber } from './text.ts';

/** OCSF `evidences[0]`: who did it, in which container, and what the event itself carried. */
export function ocsfEvidence(alert: Alert): object {
  const { finding } = alert.correlated;
  const evidence = finding.event?.evidence;
  return {
    process: ocsfProcess(finding.processes),
    container: ocsfContainer(alert),
    ...(evidence?.$case === 'network' ? networkParts(evidence.value) : {}),
    file: evidence?.$case === 'file' ? ocsfFile(evidence.value) : undefined,
    ...(evidence?.$case === 'dns' ? { query: dnsQuery(evidence.value) } : {}),
    data: evidenceData(finding),
  };
}

/** OCSF `container`; undefined when the container is not known. */
export function ocsfContainer(alert: Alert): object | undefined {
  const { finding, papers } = alert.correlated;
  const container = finding.container;
  if (container === undefined || (container.id === '' && container.name === '')) return undefined;
  const image = imageNameOf(container, papers.identity);
  return {
    uid: container.id || undefined,
    name: container.name || undefined,
    runtime: container.runtime || undefined,
    image: {
      uid: image.digest || image.repository || 'unknown',
      name: image.repository || undefined,
      tag: image.tag || undefined,
    },
    pod_uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(container.podUid) ? container.podUid : undefined,
    orchestrator: container.podName === '' ? undefined : 'kubernetes',
    labels: Object.entries(container.labels).map(([name, value]) => `${name}=${value}`),
  };
}

function evidenceData(finding: Finding): object {
  const acting = finding.processes[0];
  const evidence = finding.event?.evidence;
  return {
    kind: finding.event?.kind || 'unknown',
    fields: finding.fields,
    ancestry_complete: acting === undefined ? undefined : finding.ancestryComplete,
    attribution_missing: finding.missing.length > 0 ? finding.missing : undefined,
    data_complete: finding.dataComplete,
    data_gaps: finding.dataComplete ? undefined : dataGapsText(finding),
    executable_layer: acting === undefined ? undefined : layerWord(acting.executable?.layer),
    argv: acting?.argv,
    privileges: finding.processes.length === 0 ? undefined : finding.processes.map(privilegesOf),
    argv_truncated: acting?.argvTruncated || undefined,
    filename: acting?.filename || undefined,
    interpreter: acting?.interpreter || undefined,
    stdio_sockets: acting === undefined || acting.stdioSockets.length === 0 ? undefined : acting.stdioSockets,
    capability: evidence?.$case === 'capability' ? capabilityData(evidence.value) : undefined,
    namespace: evidence?.$case === 'namespace' ? namespaceEventData(evidence.value) : undefined,
    syscall: evidence?.$case === 'syscall' ? syscallData(evidence.value) : undefined,
    network: evidence?.$case === 'network' ? networkData(evidence.value) : undefined,
    file: evidence?.$case === 'file' ? fileData(evidence.value) : undefined,
    integrity: evidence?.$case === 'integrity' ? integrityData(evidence.value) : undefined,
    dns: evidence?.$case === 'dns' ? dnsData(evidence.value) : undefined,
    unix_socket: evidence?.$case === 'unixSocket' ? unixSocketData(evidence.value) : undefined,
    image: evidence?.$case === 'image' ? imageData(evidence.value) : undefined,
    posture_fields: evidence?.$case === 'posture' ? evidence.value.fields : undefined,
  };
}

/** What OCSF's process object has no place for, for the acting execution and each ancestor, in the same order. */
function privilegesOf(execution: ProcessExecution): object {
  const { credentials, capabilities } = execution;
  return {
    pid: execution.pid,
    uid: execution.executionId,
    real_uid: credentials?.uid,
    effective_uid: credentials?.euid,
    capabilities_effective: capabilities === undefined ? undefined : capabilityMask(capabilities.effective),
    capabilities_permitted: capabilities === undefined ? undefined : capabilityMask(capabilities.permitted),
    secure_exec: execution.secureExec || undefined,
    login_uid: execution.loginUid,
    before: beforeOf(execution),
  };
}

/** What the process might before it executed the program, where that is known and was something else. */
function beforeOf({ before, credentials, capabilities }: ProcessExecution): object | undefined {
  if (before?.credentials === undefined || before.capabilities === undefined) return undefined;
  const isSame =
    before.credentials.uid === credentials?.uid &&
    before.credentials.euid === credentials.euid &&
    before.capabilities.permitted === capabilities?.permitted &&
    before.capabilities.effective === capabilities.effective;
  if (isSame) return undefined;
  return {
    real_uid: before.credentials.uid,
    effective_uid: before.credentials.euid,
    capabilities_effective: capabilityMask(before.capabilities.effective),
    capabilities_permitted: capabilityMask(before.capabilities.permitted),
  };
}

function capabilityData(evidence: CapabilityEvidence): object {
  return {
    name: evidence.capabilityName,
    number: evidence.capability,
    syscall: evidence.syscallName,
    syscall_number: evidence.syscallNumber,
    syscall_abi: evidence.syscallAbi || undefined,
    arguments: evidence.arguments.length > 0 ? evidence.arguments : undefined,
    target_uid: evidence.targetUid,
    target_gid: evidence.targetGid,
    target_pid: evidence.targetPid,
    granted: evidence.granted,
    user_namespace: evidence.userNamespace || undefined,
    initial_user_namespace: evidence.userNamespace === '' ? undefined : evidence.initialUserNamespace,
    count: jsonNumber(evidence.count),
  };
}

function namespaceEventData(evidence: NamespaceEvidence): object {
  return {
    changed: evidence.changed,
    to_host: evidence.toHost,
    before: evidence.before,
    after: evidence.after,
    syscall: evidence.syscallName || undefined,
    arguments: evidence.arguments.length > 0 ? evidence.arguments : undefined,
    count: jsonNumber(evidence.count),
  };
}

function syscallData(evidence: SyscallEvidence): object {
  return {
    name: evidence.syscallName,
    number: evidence.syscallNumber,
    arguments: evidence.arguments.length > 0 ? evidence.arguments : undefined,
    target_pid: evidence.targetPid,
    result: evidence.result === undefined ? undefined : jsonNumber(evidence.result),
    errno: evidence.errno || undefined,
    memfd_name: evidence.name || undefined,
    stdio_fd: evidence.stdioFd,
    peer: endpoint(evidence.peerAddress, evidence.peerPort),
    count: jsonNumber(evidence.count),
  };
}

function networkData(evidence: NetworkEvidence): object {
  return {
    state: evidence.state,
    count: jsonNumber(evidence.count),
    failure: evidence.failure || undefined,
    remote_names: evidence.remoteNames.length > 0 ? evidence.remoteNames : undefined,
  };
}

/** The facts of the change it is about; those of other changes are empty and left out. */
function integrityData(evidence: IntegrityEvidence): object {
  const { growth, gainedCapabilities, namespaces, descriptors } = evidence;
  const isTraced = evidence.change === 'traced';
  return {
    change: evidence.change,
    seen_at: evidence.seenAt,
    growth: growth.length === 0 ? undefined : growth,
    gained_capabilities: gainedCapabilities.length === 0 ? undefined : gainedCapabilities,
    before: evidence.before === undefined ? undefined : heldPrivileges(evidence.before),
    after: evidence.after === undefined ? undefined : heldPrivileges(evidence.after),
    namespaces: namespaces.length === 0 ? undefined : namespaces.map(namespaceData),
    tracer: isTraced ? tracerData(evidence) : undefined,
    descriptors: descriptors.length === 0 ? undefined : descriptors,
  };
}

function heldPrivileges({ credentials, capabilities, userNamespace, userNamespaceLevel }: HeldPrivileges): object {
  return {
    real_uid: credentials?.uid,
    effective_uid: credentials?.euid,
    saved_uid: credentials?.suid,
    real_gid: credentials?.gid,
    effective_gid: credentials?.egid,
    saved_gid: credentials?.sgid,
    capabilities_effective: capabilities === undefined ? undefined : capabilityMask(capabilities.effective),
    capabilities_permitted: capabilities === undefined ? undefined : capabilityMask(capabilities.permitted),
    capabilities_bounding: capabilities === undefined ? undefined : capabilityMask(capabilities.bounding),
    user_namespace: userNamespace,
    user_namespace_level: userNamespaceLevel,
  };
}

function namespaceData({ name, beforeInode, afterInode, isHost }: NamespaceChange): object {
  return { name, before: beforeInode, after: afterInode, host: isHost };
}

function tracerData({ tracerPid, tracerPlace, tracerExecutable, tracerSeized }: IntegrityEvidence): object {
  return { pid: tracerPid, place: tracerPlace, executable: tracerExecutable || undefined, seized: tracerSeized };
}

function imageData({ digest, lists, containers }: ImageEvidence): object {
  return {
    digest,
    containers,
    ...Object.fromEntries(lists.map(({ name, entries, total }) => [name, { total, entries }])),
  };
}

/** OCSF `dns_query`. */
function dnsQuery(evidence: DnsEvidence): object {
  return { hostname: evidence.queryName || '.', type: evidence.queryType || undefined };
}

function dnsData(evidence: DnsEvidence): object {
  return {
    response_code: evidence.responseCode,
    addresses: evidence.addresses,
    resolver: evidence.resolverAddress,
    count: jsonNumber(evidence.count),
  };
}

function unixSocketData(evidence: UnixSocketEvidence): object {
  const { path, pathSource, runtime, count } = evidence;
  return { path, path_source: pathSource, runtime: runtime || undefined, count: jsonNumber(count) };
}

const inboundStates = new Set(['listening', 'accepted', 'bound']);

function networkParts(evidence: NetworkEvidence): object {
  const inbound = inboundStates.has(evidence.state);
  return {
    dst_endpoint: inbound
      ? endpoint(evidence.localAddress, evidence.localPort)
      : endpoint(evidence.remoteAddress, evidence.remotePort),
    src_endpoint: inbound
      ? endpoint(evidence.remoteAddress, evidence.remotePort)
      : endpoint(evidence.localAddress, evidence.localPort),
    connection_info: {
      direction_id: inbound ? 1 : 2,
      direction: inbound ? 'Inbound' : 'Outbound',
      protocol_name: evidence.transport || undefined,
      protocol_num: evidence.transport === 'tcp' ? 6 : evidence.transport === 'udp' ? 17 : undefined,
      protocol_ver_id: evidence.family === 'ipv4' ? 4 : evidence.family === 'ipv6' ? 6 : 0,
    },
  };
}

function endpoint(address: string, port: number): object | undefined {
  if (address === '') return undefined;
  const place = isIP(address) === 0 ? { name: address } : { ip: address };
  return { ...place, port: port > 0 && port <= 65_535 ? port : undefined };
}
