import type { ExecEvent } from '../decode/kernel-event.ts';
import type { NamespaceName, SampledNamespaces, SampledTask } from '../decode/sampled-task.ts';
import type { IntegrityChange, NamespaceChanged } from './integrity-event.ts';
import { type KnownProcess, privilegesOfExec, privilegesOfSample } from './known-process.ts';
import type { HeldPrivileges } from './privileges.ts';
import { growthByExec, growthWithoutExec } from './transitions.ts';

/** What comparing needs to know of the world beside the process. */
export interface Surroundings {
  hostNamespaces: SampledNamespaces;
  /** Path of a process' executable; empty when it is not known. */
  executablePath(pid: number, startKtimeNs: bigint): string;
}

/** A change, and what it is remembered by so that it is told once. */
export interface FoundChange {
  key: string;
  change: IntegrityChange;
}

/** What has changed about a process' first thread since it was known. Its program must be the same (`execId`). */
export function changesOfProcess(known: KnownProcess, task: SampledTask, world: Surroundings): FoundChange[] {
  const found: FoundChange[] = [];
  const after = privilegesOfSample(task);
  if (known.current !== undefined) found.push(...grown(known.current, after));
  if (task.leaderExited) return found;
  found.push(
    ...namespacesOf(known, task, world),
    ...traced(task, world),
    ...executableChanged(known, task),
    ...stdioChanged(known, task),
  );
  return found;
}

/** Only the namespaces that have changed: they outlast an execution. */
export function namespacesOf(known: KnownProcess, task: SampledTask, world: Surroundings): FoundChange[] {
  return known.namespaces === undefined ? [] : namespacesChanged(known, task.namespaces, world);
}

/** What is different about another thread. `before` is what that thread may have come from. */
export function changesOfThread(
  known: KnownProcess,
  before: HeldPrivileges | undefined,
  task: SampledTask,
  world: Surroundings,
): FoundChange[] {
  const found = before === undefined ? [] : grown(before, privilegesOfSample(task));
  found.push(...namespacesOf(known, task, world), ...traced(task, world));
  return found;
}

/** What has changed between what was known of a process and the program it executes. Nothing may have been missed between. */
export function changesAtExec(known: KnownProcess, event: ExecEvent, world: Surroundings): FoundChange[] {
  const found: FoundChange[] = [];
  const before = event.formerTid === event.pid ? known.current : known.origin;
  if (before !== undefined) {
    const after = privilegesOfExec(event);
    const { setuid, setgid } = event.executable;
    const growth = growthByExec(before, after, { secureExec: event.secureExec, setuid, setgid });
    if (growth.length > 0)
      found.push({ key: keyOfGrowth(growth), change: { change: 'privileges-grown', growth, before, after } });
  }
  if (known.namespaces !== undefined && event.formerTid === event.pid)
    found.push(...namespacesChanged(known, event.namespaces, world));
  return found;
}

function grown(before: HeldPrivileges, after: HeldPrivileges): FoundChange[] {
  const growth = growthWithoutExec(before, after);
  if (growth.length === 0) return [];
  return [{ key: keyOfGrowth(growth), change: { change: 'privileges-grown', growth, before, after } }];
}

function keyOfGrowth(growth: readonly string[]): string {
  return `privileges ${growth.join(' ')}`;
}

function namespacesChanged(
  { namespaces: before = {}, toldNamespaces = {} }: KnownProcess,
  after: Partial<SampledNamespaces>,
  { hostNamespaces }: Surroundings,
): FoundChange[] {
  const names = (Object.keys(after) as NamespaceName[]).filter(
    (name) => before[name] !== undefined && after[name] !== undefined && before[name] !== after[name],
  );
  if (names.length === 0) return [];
  const pick = (from: Partial<SampledNamespaces>): Partial<SampledNamespaces> =>
    Object.fromEntries(names.map((name) => [name, from[name]]));
  const change: NamespaceChanged = {
    change: 'namespace-changed',
    namespaces: names,
    hostNamespaces: names.filter((name) => after[name] === hostNamespaces[name]),
    told: names.every((name) => toldNamespaces[name] === after[name]),
    before: pick(before),
    after: pick(after),
  };
  return [{ key: `namespaces ${names.map((name) => `${name}:${after[name]}`).join(' ')}`, change }];
}

function traced({ tracer, cgroupId }: SampledTask, world: Surroundings): FoundChange[] {
  if (tracer === undefined) return [];
  const { pid, startKtimeNs, seized } = tracer;
  const place = tracer.cgroupId === cgroupId ? 'same-container' : 'elsewhere';
  return [
    {
      key: `traced ${pid} ${startKtimeNs}`,
      change: {
        change: 'traced',
        tracerPid: pid,
        tracerStartKtimeNs: startKtimeNs,
        tracerPlace: place,
        tracerExecutable: world.executablePath(pid, startKtimeNs),
        seized,
      },
    },
  ];
}

function executableChanged({ executable: before }: KnownProcess, { executable: after }: SampledTask): FoundChange[] {
  // Without a file, it has no memory of its own any more: it is ending.
  if (before === undefined || after.inode === 0n) return [];
  if (before.inode !== after.inode || before.device !== after.device)
    return [
      {
        key: `replaced ${after.device} ${after.inode}`,
        change: { change: 'executable-replaced', beforeInode: before.inode, afterInode: after.inode },
      },
    ];
  return after.unlinked && !before.unlinked ? [{ key: 'deleted', change: { change: 'executable-deleted' } }] : [];
}

function stdioChanged({ stdioSockets: before }: KnownProcess, { stdioSockets: after }: SampledTask): FoundChange[] {
  if (before === undefined) return [];
  const descriptors = (['stdin', 'stdout', 'stderr'] as const).filter((name) => after[name] && !before[name]);
  if (descriptors.length === 0) return [];
  return [{ key: `stdio ${descriptors.join(' ')}`, change: { change: 'stdio-socket', descriptors } }];
}
