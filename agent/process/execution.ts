import type { ExecEvent, Executable } from '../decode/kernel-event.ts';
import type { ProcessEntry, ProcessExecution } from './process.ts';

/** An execution keeps at most this many ancestors reachable; beyond, its oldest known one says `parentMissing`. */
export const maxAncestors = 64;
/** What is left of a chain that reached `maxAncestors`: cutting half at a time keeps the cost per execution constant. */
const keptAncestors = maxAncestors / 2;

/** An execution as its owner sees it: the tree ends it, links it and counts its ancestors. */
export type ExecutionRecord = { -readonly [K in keyof ProcessExecution]: ProcessExecution[K] } & {
  parent: ExecutionRecord | undefined;
  ancestorCount: number;
};

export interface ExecutionOrigin {
  executionId: string;
  entry: ProcessEntry;
  containerId: string | undefined;
  parent: ExecutionRecord | undefined;
  parentMissing: boolean;
}

export function executionFromExec(event: ExecEvent, origin: ExecutionOrigin): ExecutionRecord {
  return {
    executionId: origin.executionId,
    pid: event.pid,
    containerPid: event.containerPid,
    startKtimeNs: event.startKtimeNs,
    execId: event.execId,
    execKtimeNs: event.ktimeNs,
    endKtimeNs: undefined,
    executable: event.executable,
    filename: event.filename,
    interpreter: event.interpreter,
    argv: event.argv,
    argvTruncated: event.argvTruncated,
    cwd: event.cwd,
    comm: event.comm,
    credentials: event.credentials,
    capabilities: event.capabilities,
    before: event.before,
    stdioSockets: event.stdioSockets,
    hasTty: event.hasTty,
    tty: event.tty,
    sessionId: event.sessionId,
    loginUid: event.loginUid,
    secureExec: event.secureExec,
    entry: origin.entry,
    observed: true,
    containerId: origin.containerId,
    parent: origin.parent,
    parentMissing: origin.parentMissing,
    exitCode: undefined,
    exitSignal: undefined,
    coreDumped: undefined,
    ancestorCount: ancestorCountBelow(origin.parent),
  };
}

export interface ForkedProcess {
  executionId: string;
  pid: number;
  containerPid: number;
  startKtimeNs: bigint;
}

/** What a process is between fork and its first exec: its parent's program under its own pid. */
export function executionFromFork(parent: ExecutionRecord, child: ForkedProcess): ExecutionRecord {
  const ancestorCount = ancestorCountBelow(parent);
  return {
    ...parent,
    executionId: child.executionId,
    pid: child.pid,
    containerPid: child.containerPid,
    startKtimeNs: child.startKtimeNs,
    execKtimeNs: child.startKtimeNs,
    endKtimeNs: undefined,
    before: { credentials: parent.credentials, capabilities: parent.capabilities },
    secureExec: false,
    entry: 'internal',
    observed: true,
    parent,
    parentMissing: false,
    exitCode: undefined,
    exitSignal: undefined,
    coreDumped: undefined,
    ancestorCount,
  };
}

/** Makes room for a child where the parent's chain is at its bound, so that chains never grow for ever. */
export function ancestorCountBelow(parent: ExecutionRecord | undefined): number {
  if (parent === undefined) return 0;
  if (parent.ancestorCount >= maxAncestors) shortenChain(parent);
  return parent.ancestorCount + 1;
}

/**
 * Replaces the ancestors of one execution by copies, the oldest of which is cut off. Copies, because the originals are
 * also the ancestors of others: a process must not be able to cut somebody else's lineage by forking deeply.
 */
function shortenChain(execution: ExecutionRecord): void {
  let link = execution;
  for (let kept = 0; kept < keptAncestors && link.parent !== undefined; kept++) {
    link.parent = { ...link.parent };
    link = link.parent;
  }
  link.parent = undefined;
  link.parentMissing = true;
  let ancestorCount = keptAncestors;
  for (let at: ExecutionRecord | undefined = execution; at !== undefined; at = at.parent)
    at.ancestorCount = ancestorCount--;
}

/** An executable of which only the path is known. */
export function executableAt(path: string): Executable {
  return {
    path,
    pathTruncated: false,
    layer: 'unknown',
    unlinked: false,
    device: 0,
    inode: 0n,
    setuid: false,
    setgid: false,
    mtimeNs: 0n,
    ctimeNs: 0n,
  };
}
