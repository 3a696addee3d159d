import type {
  CapabilityEvent,
  ExecEvent,
  ExitEvent,
  ForkEvent,
  TaskEventBase,
} from '../../agent/decode/kernel-event.ts';
import type { ConnectEvent, DnsEvent } from '../../agent/decode/network-event.ts';
import type { DnsSegment } from '../../agent/dns/segment.ts';

/** A process as tests speak of it: when it was created is part of who it is. */
export interface TestProcess {
  pid: number;
  startKtimeNs: bigint;
  cgroupId: bigint;
  containerPid?: number;
}

function task(process: TestProcess, ktimeNs: bigint): TaskEventBase {
  const { pid, startKtimeNs, cgroupId } = process;
  return { ktimeNs, cgroupId, pid, tid: pid, startKtimeNs, comm: 'test' };
}

const outside: TestProcess = { pid: 1, startKtimeNs: 1n, cgroupId: 1n };

/** `process` executes `path`; its parent is outside the container unless given. */
export function execOf(
  process: TestProcess,
  ktimeNs: bigint,
  path: string,
  parent: TestProcess = outside,
  fields: Partial<ExecEvent> = {},
): ExecEvent {
  return {
    ...task(process, ktimeNs),
    kind: 'exec',
    // As time, it grows from exec to exec.
    execId: ktimeNs,
    comm: path.slice(path.lastIndexOf('/') + 1, path.lastIndexOf('/') + 16),
    containerPid: process.containerPid ?? process.pid,
    parentPid: parent.pid,
    parentStartKtimeNs: parent.startKtimeNs,
    executable: {
      ...{ path, pathTruncated: false, layer: 'image', unlinked: false },
      ...{ device: 39, inode: 100n, setuid: false, setgid: false, mtimeNs: 0n, ctimeNs: 0n },
    },
    filename: path,
    interpreter: '',
    argv: [path],
    argvTruncated: false,
    cwd: '/',
    hasTty: false,
    tty: '',
    sessionId: process.pid,
    loginUid: undefined,
    formerTid: process.pid,
    stdioSockets: [],
    credentials: { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 },
    capabilities: { effective: 1n, permitted: 1n, inheritable: 0n, bounding: 1n, ambient: 0n },
    before: undefined,
    namespaces: { mount: 2, pid: 3, network: 4, user: 5 },
    userLevel: 0,
    secureExec: false,
    fromOutside: parent === outside,
    ...fields,
  };
}

export function forkOf(parent: TestProcess, ktimeNs: bigint, child: TestProcess): ForkEvent {
  return {
    ...task(parent, ktimeNs),
    kind: 'fork',
    childPid: child.pid,
    childStartKtimeNs: child.startKtimeNs,
    childContainerPid: child.containerPid ?? child.pid,
  };
}

export function exitOf(process: TestProcess, ktimeNs: bigint, exitCode = 0): ExitEvent {
  return { ...task(process, ktimeNs), kind: 'exit', exitCode, exitSignal: 0, coreDumped: false };
}

export function capabilityOf(process: TestProcess, ktimeNs: bigint): CapabilityEvent {
  return {
    ...task(process, ktimeNs),
    ...{ kind: 'capability', capability: 21, capabilityName: 'CAP_SYS_ADMIN' },
    ...{ syscallNumber: 165, syscallName: 'mount', granted: false },
  } as CapabilityEvent;
}

export function connectOf(process: TestProcess, ktimeNs: bigint): ConnectEvent {
  return {
    ...task(process, ktimeNs),
    ...{ kind: 'connect', transport: 'tcp', family: 'ipv4', remoteAddress: '10.0.0.7', remotePort: 5432 },
    ...{ remoteNames: [], repeats: 0 },
  } as ConnectEvent;
}

export function dnsOf(process: TestProcess, ktimeNs: bigint): DnsEvent {
  return {
    ...task(process, ktimeNs),
    ...{ kind: 'dns', transport: 'udp', resolverAddress: '10.96.0.10', queryName: 'db.internal', queryType: 'A' },
    ...{ responseCode: 'NOERROR', answers: [], truncated: false, wellFormed: true, subdomains: 0, repeats: 0 },
  } as DnsEvent;
}

export function segmentOf(process: TestProcess, ktimeNs: bigint, payload: Uint8Array): DnsSegment {
  return {
    ...task(process, ktimeNs),
    ...{ kind: 'dns-segment', transport: 'udp', resolverAddress: '10.96.0.10', socketCookie: 1n, sequence: 0 },
    ...{ payload, totalBytes: payload.length, repeats: 0 },
  } as DnsSegment;
}
