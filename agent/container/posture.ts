import type { Mount, Posture } from './container.ts';
import { JsonReader } from './json-reader.ts';
import { runtimeSocketsIn, type SocketProbe } from './runtime-sockets.ts';

export const maxMounts = 128;
export const maxListEntries = 256;

/** Every fact of a posture, by name: what is unknown when nothing could be read. */
export const postureFacts = [
  'privileged',
  'hostPid',
  'hostNetwork',
  'hostIpc',
  'hostUts',
  'hostUser',
  'addedCapabilities',
  'droppedCapabilities',
  'seccompUnconfined',
  'apparmorUnconfined',
  'noNewPrivileges',
  'user',
  'readOnlyRootFilesystem',
  'mounts',
  'devices',
  'runtimeSockets',
] as const satisfies readonly (keyof Posture)[];

export function unknownPosture(): Posture {
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
    unknownFields: [...postureFacts],
  };
}

/**
 * The posture of a container from Docker's answer to GET /containers/{id}/json. `hostUser` is true only where remapping
 * was switched off for this container (--userns=host). A namespace that is shared with another container may be the
 * host's or not: such a fact is unknown.
 *
 * @see https://docs.docker.com/reference/api/engine/version/v1.48/#tag/Container/operation/ContainerInspect
 */
export function dockerPosture(inspect: unknown, probe: SocketProbe): Posture {
  const unknown = new Set<string>();
  const top = new JsonReader(inspect, unknown);
  if (!top.has('HostConfig')) return unknownPosture();
  const host = top.object('HostConfig');
  const privileged = host.flag('Privileged', 'privileged');
  const security = securityOptions(host.texts('SecurityOpt', 'seccompUnconfined'));
  const mounts = readMounts(top, unknown);
  const sockets = mounts.flatMap((mount) => runtimeSocketsIn(mount.source, probe));
  const namespaced = (key: string, fact: string): boolean => isHostNamespace(host.text(key, fact), fact, unknown);
  return {
    privileged,
    hostPid: namespaced('PidMode', 'hostPid'),
    hostNetwork: namespaced('NetworkMode', 'hostNetwork'),
    hostIpc: namespaced('IpcMode', 'hostIpc'),
    hostUts: namespaced('UTSMode', 'hostUts'),
    hostUser: namespaced('UsernsMode', 'hostUser'),
    addedCapabilities: normalizeCapabilities(host.texts('CapAdd', 'addedCapabilities')),
    droppedCapabilities: normalizeCapabilities(host.texts('CapDrop', 'droppedCapabilities')),
    // A privileged container runs without seccomp unless a profile was named for it.
    seccompUnconfined: security.seccomp === 'unconfined' || (privileged && security.seccomp === ''),
    apparmorUnconfined: security.apparmor === 'unconfined' || top.text('AppArmorProfile') === 'unconfined',
    noNewPrivileges: security.noNewPrivileges,
    user: top.object('Config').text('User', 'user'),
    readOnlyRootFilesystem: host.flag('ReadonlyRootfs', 'readOnlyRootFilesystem'),
    mounts: mounts.slice(0, maxMounts),
    devices: readDevices(host),
    runtimeSockets: [...new Set(sockets)].slice(0, maxListEntries),
    unknownFields: postureFacts.filter((fact) => unknown.has(fact)),
  };
}

function isHostNamespace(mode: string, fact: string, unknown: Set<string>): boolean {
  if (mode.startsWith('container:')) unknown.add(fact);
  return mode === 'host';
}

/** "net_admin", "CAP_NET_ADMIN" → "CAP_NET_ADMIN"; "ALL" → "CAP_ALL". */
export function normalizeCapabilities(names: readonly string[]): string[] {
  const normalized = names.map((name) => {
    const upper = name.trim().toUpperCase();
    return upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  });
  return [...new Set(normalized)].sort().slice(0, maxListEntries);
}

interface SecurityOptions {
  /** "unconfined", a profile, or empty for the default. */
  seccomp: string;
  apparmor: string;
  noNewPrivileges: boolean;
}

/** "seccomp=unconfined", "apparmor:unconfined" (the form before Docker 1.11), "no-new-privileges[:true]". */
function securityOptions(options: readonly string[]): SecurityOptions {
  const result: SecurityOptions = { seccomp: '', apparmor: '', noNewPrivileges: false };
  for (const option of options) {
    const separator = option.search(/[=:]/);
    const key = separator < 0 ? option : option.slice(0, separator);
    const value = separator < 0 ? '' : option.slice(separator + 1);
    if (key === 'seccomp') result.seccomp = value;
    else if (key === 'apparmor') result.apparmor = value;
    else if (key === 'no-new-privileges') result.noNewPrivileges = value === '' || value === 'true';
  }
  return result;
}

function readMounts(top: JsonReader, unknown: Set<string>): Mount[] {
  const mounts = top.objects('Mounts', 'mounts').map((mount) => ({
    source: mount.text('Source', 'mounts'),
    destination: mount.text('Destination', 'mounts'),
    writable: mount.flag('RW', 'mounts'),
    type: mount.text('Type', 'mounts'),
  }));
  if (unknown.has('mounts')) unknown.add('runtimeSockets');
  if (mounts.length > maxMounts) unknown.add('mounts');
  return mounts;
}

function readDevices(host: JsonReader): string[] {
  const devices = host.objects('Devices', 'devices').map((device) => device.text('PathOnHost', 'devices'));
  const requested = host
    .objects('DeviceRequests', 'devices')
    .map((request) => `driver:${request.text('Driver', 'devices') || 'any'}`);
  return [...new Set([...devices, ...requested])].filter((device) => device !== '').slice(0, maxListEntries);
}
