import type { Mount, Posture } from '../container.ts';
import { JsonReader } from '../json-reader.ts';
import type { NamespaceKind, NamespaceProbe } from '../namespace-probe.ts';
import { maxListEntries, maxMounts, normalizeCapabilities, postureFacts, unknownPosture } from '../posture.ts';
import { runtimeSocketsIn, type SocketProbe } from '../runtime-sockets.ts';

export interface HostProbes {
  socket: SocketProbe;
  namespace: NamespaceProbe;
  /** Whether the host confines by AppArmor at all; undefined when that cannot be told. */
  apparmor: () => boolean | undefined;
}

export interface OciPostureInput {
  /** The OCI runtime configuration; anything that is no object counts as not told. */
  spec: unknown;
  /** As the runtime says it: a specification has no such word. Undefined when it does not say. */
  privileged: boolean | undefined;
  /** Names with "CAP_" that this runtime gives to a container that asks for nothing. */
  defaultCapabilities: readonly string[];
  /** What the pod was made with, for namespaces that cannot be looked at any more. */
  podNamespaces: Partial<Record<NamespaceKind, boolean>>;
  /** Told beside the specification, for when that cannot be read. */
  mounts: readonly Mount[];
}

/**
 * The posture of a container from its OCI runtime configuration. Capabilities are what it is given (the bounding set)
 * against the runtime's defaults, and the user is the one it is started as. `hostUser` is never true: sharing the host's
 * user namespace is what every container does that was not set up otherwise.
 *
 * @see https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md
 */
export function ociPosture(input: OciPostureInput, probes: HostProbes): Posture {
  const unknown = new Set<string>();
  const spec = new JsonReader(input.spec, unknown);
  if (!spec.has('process') || !spec.has('linux')) return withMounts(unknownPosture(), input.mounts, probes);
  const process = spec.object('process');
  const linux = spec.object('linux');
  if (input.privileged === undefined) unknown.add('privileged');
  const posture: Posture = {
    ...unknownPosture(),
    ...hostNamespaces(linux, input, probes.namespace, unknown),
    ...capabilities(process, input.defaultCapabilities, unknown),
    privileged: input.privileged === true,
    seccompUnconfined: !linux.has('seccomp'),
    apparmorUnconfined: apparmorUnconfined(process.text('apparmorProfile', 'apparmorUnconfined'), probes, unknown),
    noNewPrivileges: process.flag('noNewPrivileges'),
    user: userOf(process),
    readOnlyRootFilesystem: spec.object('root').flag('readonly', 'readOnlyRootFilesystem'),
    devices: linux
      .objects('devices')
      .map((device) => device.text('path', 'devices'))
      .filter((path) => path !== '')
      .slice(0, maxListEntries),
  };
  const mounts = bindMounts(spec);
  if (unknown.has('mounts')) unknown.add('runtimeSockets');
  posture.unknownFields = postureFacts.filter((fact) => unknown.has(fact));
  return withMounts(posture, mounts, probes);
}

/** What is mounted is known whenever anything was told of it; an empty list beside an unread specification says nothing. */
function withMounts(posture: Posture, mounts: readonly Mount[], probes: HostProbes): Posture {
  const sockets = mounts.flatMap((mount) => runtimeSocketsIn(mount.source, probes.socket));
  const unknownFields = new Set(posture.unknownFields);
  if (mounts.length > 0) for (const fact of ['mounts', 'runtimeSockets']) unknownFields.delete(fact);
  if (mounts.length > maxMounts) unknownFields.add('mounts');
  return {
    ...posture,
    mounts: mounts.slice(0, maxMounts),
    runtimeSockets: [...new Set(sockets)].slice(0, maxListEntries),
    unknownFields: [...unknownFields],
  };
}

const namespaceFacts = [
  { kind: 'pid', type: 'pid', fact: 'hostPid' },
  { kind: 'net', type: 'network', fact: 'hostNetwork' },
  { kind: 'ipc', type: 'ipc', fact: 'hostIpc' },
  { kind: 'uts', type: 'uts', fact: 'hostUts' },
] as const;

/** A namespace that is not named is the host's; one that is named by a path may be the pod's own or the host's. */
function hostNamespaces(
  linux: JsonReader,
  { podNamespaces }: OciPostureInput,
  probe: NamespaceProbe,
  unknown: Set<string>,
): Partial<Posture> {
  const entries = linux.objects('namespaces');
  const namespaces = new Map(
    entries.map((entry) => [entry.text('type', 'namespaces'), entry.text('path', 'namespaces')]),
  );
  const result: Partial<Posture> = {};
  for (const { kind, type, fact } of namespaceFacts) {
    const path = namespaces.get(type);
    const isHost = path === undefined ? true : path === '' ? false : (probe(path, kind) ?? podNamespaces[kind]);
    if (isHost === undefined || unknown.has('namespaces')) unknown.add(fact);
    else result[fact] = isHost;
  }
  return result;
}

function capabilities(process: JsonReader, defaults: readonly string[], unknown: Set<string>): Partial<Posture> {
  // An empty set is left out of the JSON, the sets as a whole are not.
  const given = normalizeCapabilities(process.object('capabilities').texts('bounding', 'addedCapabilities'));
  if (!process.has('capabilities')) unknown.add('addedCapabilities');
  if (unknown.has('addedCapabilities')) {
    unknown.add('droppedCapabilities');
    return {};
  }
  return {
    addedCapabilities: given.filter((name) => !defaults.includes(name)),
    droppedCapabilities: defaults.filter((name) => !given.includes(name)),
  };
}

function apparmorUnconfined(profile: string, probes: HostProbes, unknown: Set<string>): boolean {
  if (profile === 'unconfined') return true;
  if (profile !== '') return false;
  const enabled = probes.apparmor();
  if (enabled === undefined) unknown.add('apparmorUnconfined');
  return enabled === true;
}

function userOf(process: JsonReader): string {
  const user = process.object('user');
  return `${user.count('uid', 'user')}:${user.count('gid', 'user')}`;
}

function bindMounts(spec: JsonReader): Mount[] {
  const mounts: Mount[] = [];
  for (const mount of spec.objects('mounts')) {
    const options = mount.texts('options', 'mounts');
    const type = mount.text('type', 'mounts');
    if (type !== 'bind' && !options.includes('bind') && !options.includes('rbind')) continue;
    const [source, destination] = [mount.text('source', 'mounts'), mount.text('destination', 'mounts')];
    mounts.push({ source, destination, writable: !options.includes('ro'), type: 'bind' });
  }
  return mounts;
}
