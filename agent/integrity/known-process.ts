import type { ExecEvent, ForkEvent } from '../decode/kernel-event.ts';
import type { SampledNamespaces, SampledTask } from '../decode/sampled-task.ts';
import type { HeldPrivileges } from './privileges.ts';

/** What is known of a running process from events and samples, to compare the next sample with. */
export interface KnownProcess {
  readonly pid: number;
  readonly startKtimeNs: bigint;
  readonly cgroupId: bigint;
  /** Executions so far; undefined until an exec or a sample has told. */
  execId: bigint | undefined;
  /** At the last exec, from which all threads come; undefined where that was not seen. */
  origin: HeldPrivileges | undefined;
  /** Of the first thread, as last seen. */
  current: HeldPrivileges | undefined;
  namespaces: Partial<SampledNamespaces> | undefined;
  /** Namespaces that events said it has entered. */
  toldNamespaces: Partial<SampledNamespaces> | undefined;
  executable: { device: number; inode: bigint; unlinked: boolean } | undefined;
  /** Undefined until the first sample after an exec. */
  stdioSockets: SampledTask['stdioSockets'] | undefined;
  /** The time of the newest of what is known. */
  knownKtimeNs: bigint;
  /** Of the sample that was compared last; 0n: compare the next one whatever it says. */
  fingerprint: bigint;
  /** An exec that a sample has seen and no record has told of yet. */
  unseenExecId: bigint | undefined;
  /** Key of a replaced executable that one sample has seen; told when the next one sees it, too. */
  doubtfulChange: string | undefined;
  /** Threads that differ from the first one, by tid. */
  threads: Map<number, KnownThread> | undefined;
  /** Changes told of already, until the next exec. */
  reported: Set<string> | undefined;
  /** Number of the last sample that had it. */
  sampledIn: number;
  /** Samples in a row that should have had it. */
  absentSamples: number;
}

export interface KnownThread {
  fingerprint: bigint;
  privileges: HeldPrivileges;
}

export function privilegesOfExec(event: ExecEvent): HeldPrivileges {
  const { credentials, capabilities, namespaces, userLevel } = event;
  return { credentials, capabilities, userNamespace: namespaces.user, userLevel };
}

export function privilegesOfSample(task: SampledTask): HeldPrivileges {
  const { credentials, capabilities, namespaces, userLevel } = task;
  return { credentials, capabilities, userNamespace: namespaces.user, userLevel };
}

function nothingKnown(pid: number, startKtimeNs: bigint, cgroupId: bigint): KnownProcess {
  return {
    pid,
    startKtimeNs,
    cgroupId,
    execId: undefined,
    origin: undefined,
    current: undefined,
    namespaces: undefined,
    toldNamespaces: undefined,
    executable: undefined,
    stdioSockets: undefined,
    knownKtimeNs: 0n,
    fingerprint: 0n,
    unseenExecId: undefined,
    doubtfulChange: undefined,
    threads: undefined,
    reported: undefined,
    sampledIn: 0,
    absentSamples: 0,
  };
}

export function knownFromExec(event: ExecEvent): KnownProcess {
  const known = nothingKnown(event.pid, event.startKtimeNs, event.cgroupId);
  noteExec(known, event);
  return known;
}

/** The program the process runs from now on decides what is compared; namespaces that a record does not tell stay. */
export function noteExec(known: KnownProcess, event: ExecEvent): void {
  const { device, inode, unlinked } = event.executable;
  known.execId = event.execId;
  known.origin = privilegesOfExec(event);
  known.current = known.origin;
  known.namespaces = { ...known.namespaces, ...event.namespaces };
  known.executable = { device, inode, unlinked };
  known.stdioSockets = undefined;
  known.knownKtimeNs = event.ktimeNs;
  known.fingerprint = 0n;
  known.unseenExecId = undefined;
  known.doubtfulChange = undefined;
  known.threads = undefined;
  known.reported = undefined;
}

/**
 * In the middle of an execution a process has the next program's file already, and the number of the one before still. So
 * a sample that sees another file is doubted: the next one is compared with what was known before it.
 */
export function doubtExecutable(known: KnownProcess, executable: KnownProcess['executable'], key: string): void {
  known.executable = executable;
  known.fingerprint = 0n;
  known.doubtfulChange = key;
}

/**
 * A child has what the thread had that made it: the first thread's is known, others are bound by the last exec. Nothing is
 * inherited from a parent that was sampled after the fork: it may have given up since what the child still has.
 */
export function knownFromFork(event: ForkEvent, parent: KnownProcess | undefined): KnownProcess {
  const known = nothingKnown(event.childPid, event.childStartKtimeNs, event.cgroupId);
  known.knownKtimeNs = event.ktimeNs;
  if (parent === undefined || parent.knownKtimeNs > event.ktimeNs) return known;
  const byFirstThread = event.tid === event.pid;
  known.execId = parent.execId;
  known.origin = byFirstThread ? parent.current : parent.origin;
  known.current = known.origin;
  known.namespaces = byFirstThread ? parent.namespaces : undefined;
  known.executable = parent.executable;
  return known;
}

export function knownFromSample(task: SampledTask): KnownProcess {
  const known = nothingKnown(task.pid, task.startKtimeNs, task.cgroupId);
  noteSample(known, task);
  return known;
}

/** Takes over what a sample says of the first thread, without comparing. */
export function noteSample(known: KnownProcess, task: SampledTask): void {
  known.knownKtimeNs = task.ktimeNs;
  known.current = privilegesOfSample(task);
  known.execId = task.execId;
  if (task.leaderExited) return;
  known.namespaces = task.namespaces;
  known.executable = task.executable;
  known.stdioSockets = task.stdioSockets;
}
