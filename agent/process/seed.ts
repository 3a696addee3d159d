import { setImmediate } from 'node:timers/promises';
import { ancestorCountBelow, type ExecutionRecord } from './execution.ts';
import { type ProcProcess, readProcess, readStartKtimeNs, readUptimeNs } from './proc-reader.ts';
import { newTask, type Task, type TaskTable } from './task-table.ts';

/** What seeding needs of the tree. */
export interface SeedTarget {
  readonly tasks: TaskTable;
  seedId(pid: number, startKtimeNs: bigint, execId: bigint): string;
  find(pid: number, startKtimeNs: bigint): ExecutionRecord | undefined;
  hasInit(containerId: string): boolean;
  noteInit(containerId: string, task: Task): void;
}

export interface SeedRequest {
  procRoot: string;
  containerId: string;
  pids: readonly number[];
}

interface Seeding {
  target: SeedTarget;
  containerId: string;
  members: ReadonlySet<number>;
  oldestPid: number | undefined;
}

/** Processes read before events get their turn again: reading /proc blocks. */
const batchSize = 32;

/**
 * Puts processes that are not known yet into the tree, parents before children. Each is read and entered without
 * yielding, so that an event cannot come between what /proc said and its entry.
 */
export async function seedTasks(target: SeedTarget, request: SeedRequest): Promise<number> {
  const order = await pidsByStart(request);
  const { containerId, procRoot } = request;
  const seeding: Seeding = { target, containerId, members: new Set(order), oldestPid: order[0] };
  let added = 0;
  for (const [index, pid] of order.entries()) {
    if (index % batchSize === batchSize - 1) await setImmediate();
    const found = readProcess(procRoot, pid);
    if (found !== undefined && enter(seeding, found, readUptimeNs(procRoot))) added++;
  }
  return added;
}

/** Start times and not pids tell the order: pids wrap around. */
async function pidsByStart(request: SeedRequest): Promise<number[]> {
  const starts: { pid: number; startKtimeNs: bigint }[] = [];
  for (const [index, pid] of request.pids.entries()) {
    if (index % batchSize === batchSize - 1) await setImmediate();
    const startKtimeNs = readStartKtimeNs(request.procRoot, pid);
    if (startKtimeNs !== undefined) starts.push({ pid, startKtimeNs });
  }
  starts.sort((a, b) => (a.startKtimeNs < b.startKtimeNs ? -1 : a.startKtimeNs > b.startKtimeNs ? 1 : a.pid - b.pid));
  return starts.map((start) => start.pid);
}

function enter(seeding: Seeding, found: ProcProcess, snapshotKtimeNs: bigint): boolean {
  const { tasks } = seeding.target;
  let task = tasks.findInTick(found.pid, found.startKtimeNs);
  if (task !== undefined && (task.execution !== undefined || task.forkedFrom !== undefined)) return false;
  if (task === undefined) {
    task = newTask(found.pid, found.startKtimeNs, found.containerPid);
    task.startRounded = true;
    tasks.insert(task, found.startKtimeNs);
  }
  task.execution = executionFromProc(seeding, found, task);
  task.hasProgram = true;
  task.snapshotKtimeNs = snapshotKtimeNs;
  if (task.execution.entry === 'container-init') seeding.target.noteInit(seeding.containerId, task);
  return true;
}

function executionFromProc(seeding: Seeding, found: ProcProcess, task: Task): ExecutionRecord {
  const { target, members, oldestPid } = seeding;
  const inside = members.has(found.parentPid);
  const parentTask = inside ? target.tasks.current(found.parentPid) : undefined;
  const parent = parentTask && target.find(parentTask.pid, parentTask.startKtimeNs);
  const outsideEntry = found.containerPid === 1 || oldestPid === found.pid ? 'container-init' : 'exec-session';
  return executionAsRead(found, {
    executionId: target.seedId(task.pid, task.startKtimeNs, 0n),
    startKtimeNs: task.startKtimeNs,
    execId: 0n,
    entry: inside ? 'internal' : outsideEntry,
    containerId: seeding.containerId,
    parent,
    parentMissing: inside && parent === undefined,
  });
}

type ReadOrigin = Pick<
  ExecutionRecord,
  'executionId' | 'startKtimeNs' | 'execId' | 'entry' | 'containerId' | 'parent' | 'parentMissing'
>;

/** An execution of which only /proc tells: when it began, and what came before, is not known. */
export function executionAsRead(found: ProcProcess, origin: ReadOrigin): ExecutionRecord {
  const { pid, containerPid, executable, argv, argvTruncated, cwd, comm, credentials, capabilities } = found;
  const { stdioSockets, hasTty, tty, sessionId, loginUid } = found;
  return {
    ...origin,
    ...{ pid, containerPid, executable, argv, argvTruncated, cwd, comm, credentials, capabilities },
    ...{ stdioSockets, hasTty, tty, sessionId, loginUid },
    execKtimeNs: origin.startKtimeNs,
    endKtimeNs: undefined,
    filename: executable.path,
    interpreter: '',
    before: undefined,
    secureExec: false,
    observed: false,
    exitCode: undefined,
    exitSignal: undefined,
    coreDumped: undefined,
    ancestorCount: ancestorCountBelow(origin.parent),
  };
}
