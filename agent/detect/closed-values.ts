import { baselineStates, baselineVerdicts } from '../baseline/compiled-baseline.ts';
import { fileOperations, fileTypes } from '../decode/kernel-event.ts';
import { baselineFields } from './baseline-fields.ts';
import { capabilityNumber, knownCapabilityNames } from './capability-names.ts';
import { type EventKind, eventKinds } from './field-catalog.ts';
import { resolvePath } from './field-path.ts';

/** Values that a field can have. */
export interface ClosedValues {
  has(value: string): boolean;
  /** For hints. */
  examples: readonly string[];
}

function only(...values: string[]): ClosedValues {
  return { has: (value) => values.includes(value), examples: values };
}

const families = only('ipv4', 'ipv6');
const transports = only('tcp', 'udp', 'icmp', 'other');
const scopes = only('loopback', 'link-local', 'private', 'public', 'multicast', 'reserved', '');
const namespaces = only('mount', 'pid', 'network', 'user', 'cgroup', 'ipc', 'uts', 'time');
/** All of them: a rule on several kinds is compiled for each, and asks which it has. */
const kinds = only(...eventKinds);
const capabilities: ClosedValues = {
  has: (name) => capabilityNumber(name) >= 0,
  examples: knownCapabilityNames,
};
const capabilitiesOrAll: ClosedValues = {
  ...capabilities,
  has: (name) => name === 'CAP_ALL' || capabilities.has(name),
};

/** Of each baseline type: its state, and all that it judges. */
const ofBaselines = Object.entries(baselineFields).flatMap(([type, fields]) =>
  Object.keys(fields)
    .filter((field) => field !== 'version' && field !== 'frozen')
    .map((field) => [`${type}.${field}`, only(...(field === 'state' ? baselineStates : baselineVerdicts))] as const),
);

/** By catalog type and field. A field that is not here can have any value. */
const closed: Record<string, ClosedValues> = {
  ...Object.fromEntries(ofBaselines),
  'Executable.layer': only('image', 'writable', 'tmpfs', 'mount', 'memfd', 'unknown'),
  'StdioSocket.family': only('ipv4', 'ipv6', 'unix', 'other'),
  'Process.sessionKind': only('health-check', 'operator', 'unknown', ''),
  'Process.entry': only('container-init', 'exec-session', 'internal'),
  'CapabilitySets.effective': capabilities,
  'CapabilitySets.permitted': capabilities,
  'CapabilitySets.inheritable': capabilities,
  'CapabilitySets.bounding': capabilities,
  'CapabilitySets.ambient': capabilities,
  'Posture.addedCapabilities': capabilitiesOrAll,
  'Posture.droppedCapabilities': capabilitiesOrAll,
  'Posture.hostNamespaces': only('pid', 'network', 'ipc', 'uts'),
  'CapabilityEvent.capabilityName': capabilities,
  'CapabilityEvent.syscallAbi': only('native', '32-bit'),
  'CapabilityEvent.userNamespace': only('own', 'ancestor', 'descendant', 'unrelated'),
  'NamespaceEvent.changed': namespaces,
  'NamespaceEvent.toHost': namespaces,
  'ConnectEvent.transport': transports,
  'ConnectEvent.family': families,
  'ConnectEvent.remoteScope': scopes,
  'TcpEvent.state': only('established', 'failed', 'listening', 'accepted'),
  'TcpEvent.family': families,
  'TcpEvent.remoteScope': scopes,
  'TcpEvent.failure': only('refused', 'timed-out', 'unreachable', 'abandoned', 'other', ''),
  'BindEvent.transport': transports,
  'BindEvent.family': families,
  'FanoutEvent.transport': transports,
  'FanoutEvent.family': families,
  'FanoutEvent.remoteScope': scopes,
  'FanoutEvent.shape': only('ports', 'addresses'),
  'DnsEvent.transport': transports,
  'UnixConnectEvent.pathSource': only('kernel', 'argument'),
  'FileEvent.operation': only(...fileOperations),
  'FileEvent.fileType': only(...fileTypes),
  'IntegrityEvent.change': only(
    'privileges-grown',
    'namespace-changed',
    'traced',
    'executable-deleted',
    'executable-replaced',
    'stdio-socket',
    'process-unseen',
  ),
  'IntegrityEvent.seenAt': only('sample', 'exec'),
  'IntegrityEvent.gainedCapabilities': capabilities,
  'IntegrityEvent.namespaces': namespaces,
  'IntegrityEvent.hostNamespaces': namespaces,
  'IntegrityEvent.tracerPlace': only('same-container', 'elsewhere'),
  'IntegrityEvent.descriptors': only('stdin', 'stdout', 'stderr'),
};

/** The values that the field at a path can have; undefined when they are not limited. */
export function closedValuesOf(kind: EventKind, path: string): ClosedValues | undefined {
  const dot = path.lastIndexOf('.');
  if (dot < 0) return undefined;
  const owner = resolvePath(kind, path.slice(0, dot));
  if (!owner.ok) return undefined;
  return path === 'event.kind' ? kinds : closed[`${owner.path.type}${path.slice(dot)}`];
}
