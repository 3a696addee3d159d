import type { Event } from '../../proto/generated/tallyman/v1/finding.ts';
import {
  ExecutableLayer,
  ProcessEntry,
  type ProcessExecution as ReportedExecution,
} from '../../proto/generated/tallyman/v1/process.ts';
import type { ExecutableLayer as Layer } from '../decode/kernel-event.ts';
import type { ProcessEntry as Entry, ProcessExecution } from '../process/process.ts';
import { ancestorsOf, maxAncestors } from './ancestors.ts';
import type { DetectableEvent, WallClock } from './attributed-event.ts';
import { integrityEvidence } from './integrity-evidence.ts';
import { dnsEvidence, networkEvidence, unixSocketEvidence } from './network-evidence.ts';

/** Bounds on the arguments of one reported execution; what is cut is flagged as truncated. */
const maxArguments = 128;
const maxArgumentLength = 2_048;
const maxArgumentsLength = 8_192;

/** Layers in the words of the uplink. */
export const executableLayers: Record<Layer, ExecutableLayer> = {
  image: ExecutableLayer.IMAGE,
  writable: ExecutableLayer.WRITABLE,
  tmpfs: ExecutableLayer.TMPFS,
  mount: ExecutableLayer.MOUNT,
  memfd: ExecutableLayer.MEMFD,
  unknown: ExecutableLayer.UNKNOWN,
};

/** Entries in the words of the uplink. */
export const processEntries: Record<Entry, ProcessEntry> = {
  'container-init': ProcessEntry.CONTAINER_INIT,
  'exec-session': ProcessEntry.EXEC_SESSION,
  internal: ProcessEntry.INTERNAL,
};

export interface Ancestry {
  /** The acting execution first, then its ancestors. */
  processes: ReportedExecution[];
  /** False when an ancestor is missing or the chain was cut. */
  complete: boolean;
}

/** The process chain of a finding, as it is reported. */
export function ancestryEvidence(execution: ProcessExecution | undefined, clock: WallClock): Ancestry {
  if (execution === undefined) return { processes: [], complete: false };
  const ancestors = ancestorsOf(execution);
  const oldest = ancestors.at(-1) ?? execution;
  const isWhole = ancestors.length < maxAncestors || oldest.parent === undefined;
  return {
    processes: [execution, ...ancestors].map((member) => reportedExecution(member, clock)),
    complete: isWhole && !oldest.parentMissing,
  };
}

/** An execution in the shape of the uplink. */
export function reportedExecution(execution: ProcessExecution, clock: WallClock): ReportedExecution {
  const { argv, truncated } = boundedArguments(execution.argv);
  const { pathTruncated: _, layer, mtimeNs, ctimeNs, ...executable } = execution.executable;
  return {
    executionId: execution.executionId,
    pid: execution.pid,
    containerPid: execution.containerPid,
    startKtimeNs: execution.startKtimeNs,
    startUnixNs: clock.unixNs(execution.startKtimeNs),
    execUnixNs: clock.unixNs(execution.execKtimeNs),
    endUnixNs: execution.endKtimeNs === undefined ? 0n : clock.unixNs(execution.endKtimeNs),
    executable: { ...executable, layer: executableLayers[layer], modifiedUnixNs: mtimeNs, changedUnixNs: ctimeNs },
    filename: execution.filename,
    argv,
    argvTruncated: execution.argvTruncated || truncated,
    cwd: execution.cwd,
    credentials: { ...execution.credentials },
    capabilities: { ...execution.capabilities },
    stdioSockets: execution.stdioSockets.map((socket) => ({ ...socket })),
    hasTty: execution.hasTty,
    entry: processEntries[execution.entry],
    observed: execution.observed,
    comm: execution.comm,
    exitCode: execution.exitCode ?? 0,
    exitSignal: execution.exitSignal ?? 0,
    secureExec: execution.secureExec,
    interpreter: execution.interpreter,
    before: execution.before,
    tty: execution.tty,
    sessionId: execution.sessionId,
    loginUid: execution.loginUid,
    coreDumped: execution.coreDumped ?? false,
  };
}

function boundedArguments(argv: readonly string[]): { argv: string[]; truncated: boolean } {
  const kept: string[] = [];
  let remaining = maxArgumentsLength;
  let truncated = argv.length > maxArguments;
  for (const argument of argv.slice(0, maxArguments)) {
    if (remaining <= 0) return { argv: kept, truncated: true };
    const part = argument.slice(0, Math.min(maxArgumentLength, remaining));
    truncated ||= part.length < argument.length;
    remaining -= part.length + 1;
    kept.push(part);
  }
  return { argv: kept, truncated };
}

/** A kernel event in the shape of the uplink. */
export function eventEvidence(event: DetectableEvent, clock: WallClock): Event {
  return {
    kind: event.kind,
    timeUnixNs: clock.unixNs(event.ktimeNs),
    ktimeNs: event.ktimeNs,
    evidence: factsOf(event),
  };
}

function factsOf(event: DetectableEvent): Event['evidence'] {
  switch (event.kind) {
    case 'exec':
      return { $case: 'exec', value: {} };
    case 'capability': {
      const { capability, capabilityName, syscallNumber, syscallName, syscallAbi, granted, repeats } = event;
      const { arguments: args, targetUid, targetGid, targetPid, userNamespace } = event;
      const facts = { capability, capabilityName, syscallName, syscallAbi, granted, userNamespace };
      const target = { targetUid, targetGid, targetPid };
      // The number is unsigned on the wire; outside of a system call there is none.
      return {
        $case: 'capability',
        value: {
          ...facts,
          ...target,
          arguments: [...args],
          initialUserNamespace: event.isInitialUserNamespace,
          syscallNumber: Math.max(syscallNumber, 0),
          count: 1n + BigInt(repeats),
        },
      };
    }
    case 'syscall': {
      const { syscallNumber, syscallName, arguments: args, targetPid, result, errno, name, repeats } = event;
      const { stdioFd, peerAddress, peerPort } = event;
      const call = { syscallNumber, syscallName, arguments: [...args], targetPid, result, errno, name };
      return { $case: 'syscall', value: { ...call, stdioFd, peerAddress, peerPort, count: 1n + BigInt(repeats) } };
    }
    case 'namespace': {
      const { changed, toHost, before, after, syscallName, arguments: flags, repeats } = event;
      const kinds = { changed: [...changed], toHost: [...toHost] };
      const places = { before: { ...before }, after: { ...after } };
      return {
        $case: 'namespace',
        value: { ...kinds, ...places, syscallName, arguments: [...flags], count: 1n + BigInt(repeats) },
      };
    }
    case 'file': {
      const { operation, path, target, targetCategory, category, watchedPath, fileType, repeats } = event;
      const facts = { operation, path, target, targetCategory, category, watchedPath, fileType };
      const { mode, sizeBytes } = event;
      const size = sizeBytes === undefined ? undefined : BigInt(sizeBytes);
      return { $case: 'file', value: { ...facts, mode, sizeBytes: size, count: 1n + BigInt(repeats) } };
    }
    case 'integrity':
      return { $case: 'integrity', value: integrityEvidence(event) };
    case 'dns':
      return { $case: 'dns', value: dnsEvidence(event) };
    case 'unix-connect':
      return { $case: 'unixSocket', value: unixSocketEvidence(event) };
    default:
      return { $case: 'network', value: networkEvidence(event) };
  }
}

const posturePrefix = 'container.posture.';

/** A container's posture in the shape of the uplink: the facts a rule read that are set. */
export function postureEvidence(fields: Record<string, string>, timeUnixNs: bigint): Event {
  const facts = Object.entries(fields)
    .filter(([path, value]) => path.startsWith(posturePrefix) && value !== 'false' && value !== '')
    .map(([path]) => path.slice(posturePrefix.length));
  return { kind: 'posture', timeUnixNs, ktimeNs: 0n, evidence: { $case: 'posture', value: { fields: facts } } };
}
