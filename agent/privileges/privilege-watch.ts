import type { Metrics } from '../../common/metrics.ts';
import { mayHideUse } from '../../common/privilege-losses.ts';
import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import { type Container, ContainerState } from '../container/container.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { SampledTask } from '../decode/sampled-task.ts';
import type { AttributedEvent, WallClock } from '../detect/attributed-event.ts';
import { processEntries } from '../detect/evidence.ts';
import { fileCapabilitiesOf } from '../files/file-capabilities.ts';
import { originOf } from '../process/origin.ts';
import type { ProcessExecution } from '../process/process.ts';
import { hostMountNamespace } from '../sensor/host-namespaces.ts';
import { type PrivilegeFact, PrivilegeFacts } from './privilege-facts.ts';
import { PrivilegeUse } from './privilege-use.ts';
import { RootScanner } from './root-scanner.ts';

export interface PrivilegeWatchOptions {
  clock: WallClock;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  /** The container of a cgroup; undefined when it is not known, or none. */
  containerOf: (cgroupId: bigint) => Container | undefined;
  container: (id: string) => Container | undefined;
  findExecution: (pid: number, startKtimeNs: bigint) => ProcessExecution | undefined;
  onObservation: (observation: Observation) => void;
  /** A container that has been watched for long enough has capabilities that it never used: `unusedCapabilities` names them. */
  onReviewed: (container: Container) => void;
  reviewAfterMs: number;
  rootScanIntervalMs: number;
  procRoot: string;
  metrics: Metrics;
}

/** How often it is looked which containers are due for review, at most. */
const reviewIntervalMs = 60_000;
/** The kernel's coarse clock, by which files get their times, may be so far behind. */
const clockStepMs = 10;
/** A container that begins so long after it was made may have run before. */
const firstStartNs = 10_000_000_000n;

/** Everything that tells with how little a container could do: ids, capabilities, and where it writes. */
export class PrivilegeWatch {
  readonly #options: PrivilegeWatchOptions;
  readonly #facts: PrivilegeFacts;
  readonly #use: PrivilegeUse;
  readonly #scanner: RootScanner;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PrivilegeWatchOptions) {
    this.#options = options;
    const mountNamespace = hostMountNamespace(options.procRoot);
    this.#facts = new PrivilegeFacts((containerId, execution) => {
      const root = { procRoot: options.procRoot, containerId, hostMountNamespace: mountNamespace };
      const initPid = options.container(containerId)?.initPid ?? 0;
      return fileCapabilitiesOf(root, execution.executable.path, [...lineOf(execution), initPid]);
    });
    const { reviewAfterMs, nowKtimeNs, rootScanIntervalMs: intervalMs, procRoot, metrics } = options;
    this.#use = new PrivilegeUse({
      ...{ reviewAfterMs, nowKtimeNs },
      onUnused: (containerId, unusedCapabilities) => {
        const container = options.container(containerId);
        if (container !== undefined) options.onReviewed({ ...container, unusedCapabilities });
      },
    });
    this.#scanner = new RootScanner({
      ...{ intervalMs, procRoot, metrics },
      onFact: (containerId, fact) => this.#send(containerId, nowKtimeNs(), fact),
    });
  }

  start(): void {
    this.#scanner.start();
    const intervalMs = Math.max(1_000, Math.min(reviewIntervalMs, this.#options.reviewAfterMs));
    this.#timer = setInterval(() => this.#use.review(), intervalMs);
    this.#timer.unref();
  }

  onEvent(attributed: AttributedEvent): void {
    this.#use.onEvent(attributed);
    const { event, container, execution } = attributed;
    if (event.kind !== 'exec' || execution === undefined) return;
    for (const fact of this.#facts.executed(container.id, execution, event.userLevel))
      this.#send(container.id, event.ktimeNs, fact, execution);
    if (execution.entry !== 'container-init') return;
    const execUnixNs = this.#options.clock.unixNs(event.ktimeNs);
    this.#scanner.watch(container.id, execution.pid, setUpUntilMs(container, execUnixNs));
  }

  /** A process was sampled for the first time since it changed. */
  onSampled(task: SampledTask): void {
    const { containerOf, findExecution } = this.#options;
    const execution = findExecution(task.pid, task.startKtimeNs);
    const container = execution && containerOf(task.cgroupId);
    if (execution === undefined || container === undefined) return;
    for (const fact of this.#facts.sampled(container.id, execution, task))
      this.#send(container.id, task.ktimeNs, fact, execution);
    if (execution.entry === 'container-init' && !this.#scanner.watches(container.id))
      this.#scanner.watch(container.id, task.pid, 0);
  }

  onContainer({ id, state }: Container): void {
    if (state !== ContainerState.EXITED) return;
    this.#use.forget(id);
    this.#scanner.ended(id);
  }

  /** Something was lost, of this container or of nobody knows whom. */
  onLoss({ hop, type, containerId }: Pick<Loss, 'hop' | 'type' | 'containerId'>): void {
    // A fact that is not told was seen here.
    if (hop !== 'observation' && mayHideUse(type)) this.#use.onLoss(containerId);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#scanner.close();
  }

  #send(containerId: string, ktimeNs: bigint, fact: PrivilegeFact, execution?: ProcessExecution): void {
    const { clock, onObservation } = this.#options;
    const origin = execution === undefined ? ProcessEntry.UNSPECIFIED : processEntries[originOf(execution)];
    onObservation({ containerId, firstSeenUnixNs: clock.unixNs(ktimeNs), origin, fact });
  }
}

function setUpUntilMs({ createdUnixNs, restartCount }: Container, execUnixNs: bigint): number {
  const isFirstStart = restartCount === 0 && createdUnixNs > 0n && execUnixNs - createdUnixNs < firstStartNs;
  return isFirstStart ? Number(execUnixNs / 1_000_000n) - clockStepMs : 0;
}

/** The processes whose root shows the file: its own, which may have ended by now, and those it descends from. */
function lineOf(execution: Pick<ProcessExecution, 'pid' | 'parent'>): number[] {
  const pids = [execution.pid];
  for (let at = execution.parent; at !== undefined; at = at.parent) pids.push(at.pid);
  return [...new Set(pids)];
}
