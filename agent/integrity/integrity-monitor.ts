import type { ExecEvent, ForkEvent, KernelEvent, NamespaceEvent, TaskEventBase } from '../decode/kernel-event.ts';
import type { SampledTask } from '../decode/sampled-task.ts';
import {
  changesAtExec,
  changesOfProcess,
  changesOfThread,
  type FoundChange,
  namespacesOf,
  type Surroundings,
} from './changes.ts';
import type { IntegrityEvent } from './integrity-event.ts';
import {
  doubtExecutable,
  type KnownProcess,
  knownFromExec,
  knownFromFork,
  knownFromSample,
  noteExec,
  noteSample,
  privilegesOfSample,
} from './known-process.ts';

export interface IntegrityMonitorOptions {
  surroundings: Surroundings;
  onChange: (event: IntegrityEvent) => void;
  /** Processes remembered at once; the ones known longest are forgotten first. */
  maxProcesses: number;
}

/** What became of a sampled task. */
export type SampleOutcome = 'unknown' | 'same' | 'compared' | 'missed-exec';

/** Changes told of one process until it executes its next program; further ones are counted only. */
const maxReported = 32;
/** Threads remembered of one process. */
const maxThreads = 256;

/**
 * Compares running processes with what was known of them. It takes the same events as the process tree, in the same order;
 * a sample says nothing of a process of which an event told something newer.
 */
export class IntegrityMonitor {
  readonly #options: IntegrityMonitorOptions;
  readonly #known = new Map<number, KnownProcess>();
  #suppressed = 0;

  constructor(options: IntegrityMonitorOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Changes that were not told because their process had too many. */
  takeSuppressed(): number {
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }

  onEvent(event: KernelEvent): void {
    if (event.kind === 'exec') this.#onExec(event);
    else if (event.kind === 'fork') this.#onFork(event);
    else if (event.kind === 'namespace') this.#onNamespace(event);
    else if (event.kind === 'exit') this.forget(event.pid, event.startKtimeNs);
  }

  find(pid: number, startKtimeNs: bigint): KnownProcess | undefined {
    const known = this.#known.get(pid);
    return known?.startKtimeNs === startKtimeNs ? known : undefined;
  }

  forget(pid: number, startKtimeNs: bigint): void {
    if (this.find(pid, startKtimeNs) !== undefined) this.#known.delete(pid);
  }

  /** A process that no event told of: from now on it is compared with this. */
  adopt(task: SampledTask, sampleNumber: number): void {
    const known = knownFromSample(task);
    known.sampledIn = sampleNumber;
    this.#remember(known);
  }

  /**
   * True when nothing of the task has changed since its last sample; decides without decoding it. Also notes that a
   * process is still there.
   */
  isUnchanged(pid: number, startKtimeNs: bigint, tid: number, fingerprint: bigint, sampleNumber: number): boolean {
    const known = this.find(pid, startKtimeNs);
    if (known === undefined) return false;
    known.sampledIn = sampleNumber;
    known.absentSamples = 0;
    if (tid === pid) return known.fingerprint === fingerprint;
    return known.threads?.get(tid)?.fingerprint === fingerprint;
  }

  compare(task: SampledTask, fingerprint: bigint): SampleOutcome {
    const known = this.find(task.pid, task.startKtimeNs);
    if (known === undefined) return 'unknown';
    // An event has told something newer; the next sample will compare.
    if (known.knownKtimeNs > task.ktimeNs) return 'same';
    if (task.tid !== task.pid) return this.#compareThread(known, task, fingerprint);
    if (known.execId !== undefined && known.execId !== task.execId) return this.#execUnseen(known, task);
    const found = changesOfProcess(known, task, this.#options.surroundings);
    const replaced = found.find(({ change }) => change.change === 'executable-replaced');
    const isDoubtful = replaced !== undefined && known.doubtfulChange !== replaced.key;
    for (const each of found) if (each !== replaced || !isDoubtful) this.#tell(known, task, 'sample', each);
    const { executable } = known;
    noteSample(known, task);
    known.fingerprint = fingerprint;
    known.doubtfulChange = undefined;
    if (isDoubtful) doubtExecutable(known, executable, replaced.key);
    return 'compared';
  }

  /** Processes that this many samples in a row did not have, though they should: their end was not seen. */
  absentees(sampleNumber: number, startedKtimeNs: bigint, samples: number): KnownProcess[] {
    const absentees: KnownProcess[] = [];
    for (const known of this.#known.values()) {
      if (known.sampledIn === sampleNumber || known.knownKtimeNs >= startedKtimeNs) continue;
      known.absentSamples++;
      if (known.absentSamples >= samples) absentees.push(known);
    }
    return absentees;
  }

  #onFork(event: ForkEvent): void {
    if (this.find(event.childPid, event.childStartKtimeNs) !== undefined) return;
    this.#remember(knownFromFork(event, this.find(event.pid, event.startKtimeNs)));
  }

  #onNamespace({ pid, startKtimeNs, changed, after }: NamespaceEvent): void {
    const known = this.find(pid, startKtimeNs);
    if (known === undefined) return;
    const entered = Object.fromEntries(changed.map((name) => [name, after[name]]));
    known.toldNamespaces = { ...known.toldNamespaces, ...entered };
  }

  #onExec(event: ExecEvent): void {
    const known = this.find(event.pid, event.startKtimeNs);
    if (known === undefined) {
      this.#remember(knownFromExec(event));
      return;
    }
    if (known.execId !== undefined && known.execId >= event.execId) {
      // A sample was faster than the record: what it says is newer.
      known.unseenExecId = undefined;
      return;
    }
    const missedNone = known.execId === undefined || known.execId + 1n === event.execId;
    const found = missedNone ? changesAtExec(known, event, this.#options.surroundings) : [];
    noteExec(known, event);
    for (const each of found) this.#tell(known, event, 'exec', each);
  }

  #remember(known: KnownProcess): void {
    this.#known.delete(known.pid);
    this.#known.set(known.pid, known);
    if (this.#known.size <= this.#options.maxProcesses) return;
    const oldest = this.#known.keys().next();
    if (oldest.done !== true) this.#known.delete(oldest.value);
  }

  /** What a program that nobody told of may do is no growth. Its record may only be late: it is missed at the second sample. */
  #execUnseen(known: KnownProcess, task: SampledTask): SampleOutcome {
    if (known.unseenExecId !== task.execId) {
      known.unseenExecId = task.execId;
      known.origin = undefined;
      known.threads = undefined;
      known.current = undefined;
      // An execution leaves these as they are.
      if (task.leaderExited) return 'same';
      for (const found of namespacesOf(known, task, this.#options.surroundings))
        this.#tell(known, task, 'sample', found);
      known.namespaces = task.namespaces;
      return 'same';
    }
    known.unseenExecId = undefined;
    known.reported = undefined;
    noteSample(known, task);
    return 'missed-exec';
  }

  #compareThread(known: KnownProcess, task: SampledTask, fingerprint: bigint): SampleOutcome {
    if (known.execId !== task.execId) return 'same';
    known.threads ??= new Map();
    const before = known.threads.get(task.tid)?.privileges ?? known.origin;
    for (const found of changesOfThread(known, before, task, this.#options.surroundings))
      this.#tell(known, task, 'sample', found);
    if (known.threads.size >= maxThreads) known.threads.clear();
    known.threads.set(task.tid, { fingerprint, privileges: privilegesOfSample(task) });
    return 'compared';
  }

  #tell(known: KnownProcess, at: TaskEventBase, seenAt: IntegrityEvent['seenAt'], { key, change }: FoundChange): void {
    known.reported ??= new Set();
    if (known.reported.has(key)) return;
    if (known.reported.size >= maxReported) {
      this.#suppressed++;
      return;
    }
    known.reported.add(key);
    const { ktimeNs, cgroupId, pid, tid, startKtimeNs, comm } = at;
    this.#options.onChange({ kind: 'integrity', ktimeNs, cgroupId, pid, tid, startKtimeNs, comm, seenAt, ...change });
  }
}
