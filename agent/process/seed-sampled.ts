import type { SampledTask } from '../decode/sampled-task.ts';
import type { ExecutionRecord } from './execution.ts';
import { readProcess, readUptimeNs } from './proc-reader.ts';
import type { ProcessEntry } from './process.ts';
import { executionAsRead, type SeedTarget } from './seed.ts';
import { newTask, roundToTick, type Task } from './task-table.ts';

export interface SampledSeed {
  procRoot: string;
  containerId: string;
  task: SampledTask;
  /** The process' parent is in the same container. */
  parentInside: boolean;
}

/**
 * Enters a process that the kernel's iterator has found, parents before children. Its identity is exact, so that it has the
 * same execution id as before a restart of the agent. False when the tree knows it, or it is gone.
 */
export function enterSampled(target: SeedTarget, seed: SampledSeed): boolean {
  const { pid, startKtimeNs, containerPid } = seed.task;
  if (target.find(pid, startKtimeNs) !== undefined) return false;
  // Known to the table without what it runs: forked by a process that was not known then.
  const known = target.tasks.find(pid, startKtimeNs);
  const task = known ?? newTask(pid, startKtimeNs, containerPid);
  const execution = executionFromSample(target, seed, task, parentOf(target, seed));
  if (execution === undefined) return false;
  if (known === undefined) target.tasks.insert(task, seed.task.ktimeNs);
  task.execution = execution;
  task.hasProgram = true;
  if (execution.entry === 'container-init') target.noteInit(seed.containerId, task);
  return true;
}

function parentOf(target: SeedTarget, { task, parentInside }: SampledSeed): ExecutionRecord | undefined {
  return parentInside ? target.find(task.parentPid, task.parentStartKtimeNs) : undefined;
}

/**
 * What a sampled process runs. Undefined when /proc has another process under that pid by now, or none. Sets the task's
 * time of reading: an exec whose record comes later, and that was before, is this program.
 */
export function executionFromSample(
  target: SeedTarget,
  seed: SampledSeed,
  task: Task,
  parent: ExecutionRecord | undefined,
): ExecutionRecord | undefined {
  const found = readProcess(seed.procRoot, task.pid);
  if (found === undefined || found.startKtimeNs !== roundToTick(task.startKtimeNs)) return undefined;
  task.snapshotKtimeNs = readUptimeNs(seed.procRoot);
  const { execId, containerPid, credentials, capabilities } = seed.task;
  const execution = executionAsRead(found, {
    executionId: target.seedId(task.pid, task.startKtimeNs, execId),
    startKtimeNs: task.startKtimeNs,
    execId,
    entry: entryOf(target, seed),
    containerId: seed.containerId,
    parent,
    parentMissing: seed.parentInside && parent === undefined,
  });
  return { ...execution, containerPid, credentials, capabilities };
}

function entryOf(target: SeedTarget, { task, containerId, parentInside }: SampledSeed): ProcessEntry {
  if (parentInside) return 'internal';
  return task.containerPid === 1 || !target.hasInit(containerId) ? 'container-init' : 'exec-session';
}
