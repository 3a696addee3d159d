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
const scopes = only('loopback', 'link-local', 'private', 'public', 'multicast', 'reserved', '');
/** All of them: a rule on several kinds is compiled for each, and asks which it has. */
const kinds = only(...eventKinds);
const capabilities: ClosedValues = {
  has: (name) => capabilityNumber(name) >= 0,
  examples: knownCapabilityNames,
};

/** By catalog type and field. A field that is not here can have any value. */
const closed: Record<string, ClosedValues> = {
  'Executable.layer': only('image', 'writable', 'tmpfs', 'mount', 'memfd', 'unknown'),
  'StdioSocket.family': only('ipv4', 'ipv6', 'unix', 'other'),
  'Process.entry': only('container-init', 'exec-session', 'internal'),
  'CapabilityEvent.capabilityName': capabilities,
  'CapabilitySets.effective': capabilities,
  'CapabilitySets.permitted': capabilities,
  'CapabilitySets.inheritable': capabilities,
  'CapabilitySets.bounding': capabilities,
  'CapabilitySets.ambient': capabilities,
  'Posture.addedCapabilities': { ...capabilities, has: (name) => name === 'ALL' || capabilities.has(name) },
  'Posture.droppedCapabilities': { ...capabilities, has: (name) => name === 'ALL' || capabilities.has(name) },
  'Posture.hostNamespaces': only('pid', 'network', 'ipc', 'uts'),
  'ConnectEvent.transport': only('tcp', 'udp', 'other'),
  'ConnectEvent.family': families,
  'ConnectEvent.remoteScope': scopes,
  'TcpEvent.state': only('established', 'failed', 'listening'),
  'TcpEvent.family': families,
  'TcpEvent.remoteScope': scopes,
};

/** The values that the field at a path can have; undefined when they are not limited. */
export function closedValuesOf(kind: EventKind, path: string): ClosedValues | undefined {
  const dot = path.lastIndexOf('.');
  if (dot < 0) return undefined;
  const owner = resolvePath(kind, path.slice(0, dot));
  if (!owner.ok) return undefined;
  return path === 'event.kind' ? kinds : closed[`${owner.path.type}${path.slice(dot)}`];
}
