import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { Gap } from '../proto/generated/tallyman/v1/uplink.ts';
import { BaselineStore } from './baseline/baseline-store.ts';
import { type AgentConfig, type AgentOptions, parseAgentConfig, requireCgroupRoot } from './config.ts';
import { type Attributor, createAttributor } from './container/attributor.ts';
import { type CgroupLookup, ContainerState } from './container/container.ts';
import { type ContainerDirectory, createContainerDirectory } from './container/container-directory.ts';
import type { ContainerDirectoryStatus } from './container/directory-status.ts';
import { hostRuntimes } from './container/host-runtimes.ts';
import type { Loss } from './container/loss-windows.ts';
import type { AttributedEvent, WallClock } from './detect/attributed-event.ts';
import { AwaitedEvents } from './detect/awaited-events.ts';
import { createDetector, type Detector } from './detect/detector.ts';
import { RuleWatcher } from './detect/rule-watcher.ts';
import { FileWatch } from './files/file-watch.ts';
import { UserNames } from './files/user-names.ts';
import { loadWatchList } from './files/watch-list.ts';
import { createIntegrity, type Integrity } from './integrity/integrity.ts';
import { adoptRunningListeners } from './network/adopt-listeners.ts';
import { describeNode } from './node.ts';
import { type LossEpisode, LossLog } from './observe/loss-log.ts';
import { LossWatch } from './observe/loss-watch.ts';
import { Observations } from './observe/observations.ts';
import { ReportedExecutions } from './observe/reported-executions.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { PrivilegeWatch } from './privileges/privilege-watch.ts';
import { createProcessTree, type ProcessTree } from './process/process-tree.ts';
import { createWallClock } from './process/wall-clock.ts';
import type { HookState } from './sensor/hooks.ts';
import { Clock, readClockNs, releaseFreedMemory } from './sensor/libc.ts';
import { Sensor } from './sensor/sensor.ts';
import { createUplink, type Uplink } from './uplink/uplink.ts';

export interface AgentParts {
  logger: Logger;
  metrics: Metrics;
  /** Takes the place of the line to a collector. */
  uplink?: Uplink;
  /** Sees every event before the rules do, with its time by the wall clock. Must not throw. */
  onEvent?: (event: AttributedEvent, timeUnixNs: bigint) => void;
}

export interface AgentStatus {
  hooks: readonly HookState[];
  directory: ContainerDirectoryStatus;
  rules: number;
  uplinkConnected: boolean;
  /** Items not yet acknowledged by the collector. */
  pendingItems: number;
  /** What was lost, newest first. */
  losses: readonly LossEpisode[];
}

export interface Agent {
  /**
   * Loads and attaches the sensor, learns which containers run, and starts to report.
   * @throws {CodedError} SENSOR_UNAVAILABLE and others; everything started before is closed again.
   */
  start(): Promise<void>;
  status(): AgentStatus;
  /** Detaches, delivers what it can until the deadline. */
  close(deadlineMs?: number): Promise<void>;
}

const lossCheckIntervalMs = 2_000;
const statusIntervalMs = 60_000;
const repeatsIntervalMs = 10_000;

/** Wires the agent's stages; throws CodedError CONFIG_INVALID, RULES_INVALID and those of the sensor. */
export function createAgent(options: AgentOptions, parts: AgentParts): Agent {
  return new ComposedAgent(parseAgentConfig(options), parts);
}

class ComposedAgent implements Agent {
  readonly #parts: AgentParts;
  readonly #uplink: Uplink;
  readonly #detector: Detector;
  readonly #tree: ProcessTree;
  readonly #directory: ContainerDirectory;
  readonly #attributor: Attributor;
  readonly #sensor: Sensor;
  readonly #files: FileWatch;
  readonly #losses: LossWatch;
  readonly #integrity: Integrity;
  readonly #lossLog: LossLog;
  readonly #privileges: PrivilegeWatch;
  readonly #awaited: AwaitedEvents;
  readonly #pipeline: Pipeline;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #rulesDirs: readonly string[];
  #ruleWatcher: RuleWatcher | undefined;
  readonly #cgroupRoot: string;
  readonly #procRoot: string;

  /** Top to bottom as events flow: kernel → sensor → attributor → pipeline → uplink; made in the opposite order. */
  constructor(config: AgentConfig, parts: AgentParts) {
    const { logger, metrics } = parts;
    this.#parts = parts;
    this.#cgroupRoot = requireCgroupRoot(config);
    this.#procRoot = config.procRoot;
    this.#rulesDirs = config.rulesDirs;
    const node = describeNode(config.nodeName, config.procRoot);
    const nowKtimeNs = (): bigint => readClockNs(Clock.boottime);
    const nowUnixNs = (): bigint => readClockNs(Clock.realtime);
    const clock = createWallClock({ readBoottimeNs: nowKtimeNs, readRealtimeNs: nowUnixNs });

    const baselines = new BaselineStore({ onChanged: (key) => this.#pipeline.onBaseline(key), logger, metrics });
    this.#uplink =
      parts.uplink ??
      createUplink({
        address: config.uplinkAddress,
        insecureUplink: config.insecureUplink,
        ...{ node, agentId: `${config.nodeName}:${node.bootId.slice(0, 8)}`, epoch: nowUnixNs(), logger, metrics },
        ...{ maxQueueItems: config.maxQueueItems, maxQueueBytes: config.maxQueueBytes },
        onBaselines: (update) => baselines.update(update),
      });
    const onGap = (gap: Gap): boolean => this.#uplink.send({ $case: 'gap', value: gap });
    this.#lossLog = new LossLog({ onGap, clock, nowKtimeNs, metrics });
    const users = new UserNames({ container: (id) => this.#directory.get(id), procRoot: config.procRoot });
    const sentenceFacts = {
      userName: (containerId: string, uid: number) => users.nameOf(containerId, uid),
      lastWrite: (containerId: string, path: string) => this.#files.lastWrite(containerId, path),
      unixNs: (ktimeNs: bigint) => clock.unixNs(ktimeNs),
    };
    this.#detector = createDetector({
      ...{ rulesDirs: config.rulesDirs, clock, sentenceFacts, baselines, logger, metrics },
    });
    const reported = new ReportedExecutions(clock);
    this.#awaited = new AwaitedEvents({ store: baselines, nowKtimeNs, metrics });
    const stages = {
      detector: this.#detector,
      observations: new Observations({ clock, onLoss: (loss) => this.#lossLog.note(loss) }),
      reported,
      awaited: this.#awaited,
      uplink: this.#uplink,
      metrics,
    };
    this.#privileges = this.#createPrivilegeWatch(config, clock, nowKtimeNs);
    this.#pipeline = createPipeline({
      ...stages,
      privileges: this.#privileges,
      watchFiles: (id, initPid) => this.#files.watch(id, initPid),
    });
    this.#tree = createProcessTree({
      bootId: node.bootId,
      maxProcesses: config.maxProcesses,
      onEvicted: () =>
        this.#lostNow({ ...{ hop: 'process-table', type: 'process', reason: 'evicted' }, cgroupId: undefined }),
      ...{ procRoot: config.procRoot, logger, metrics },
    });
    this.#directory = createContainerDirectory({
      runtimes: hostRuntimes({ ...config, logger, metrics }),
      onVerdict: (cgroupId, verdict, key) => this.#sensor.tables.setVerdict(cgroupId, verdict, key),
      onForgotten: (cgroupId) => {
        this.#sensor.tables.forgetCgroup(cgroupId);
        this.#losses.forget(cgroupId);
      },
      onUpdate: (container) => {
        this.#pipeline.onContainer(container);
        this.#files.onContainer(container);
        this.#privileges.onContainer(container);
      },
      ...{ cgroupRoot: this.#cgroupRoot, procRoot: config.procRoot, logger, metrics },
    });
    this.#attributor = createAttributor({
      directory: this.#directory,
      tree: this.#tree,
      emit: (event) => {
        parts.onEvent?.(event, clock.unixNs(event.event.ktimeNs));
        this.#pipeline.onAttributed(event);
      },
      onExecutionEnded: (execution) => this.#pipeline.onExecutionEnded(execution),
      onLoss: (loss) => this.#lost(loss),
      ...{ logger, metrics },
    });
    this.#sensor = new Sensor({
      objectPath: config.bpfObject,
      onEvent: (event) => {
        this.#attributor.onEvent(event);
        this.#integrity.onEvent(event);
      },
      onInvalid: ({ type, cgroupId }) => this.#lostNow({ hop: 'decode', type, reason: 'invalid', cgroupId }),
      beforeDrain: () => this.#losses.notice(),
      budgets: config.budgets,
      ...{ procRoot: config.procRoot, cgroupRoot: this.#cgroupRoot, ringBytes: config.ringBytes, logger, metrics },
      syscallPack: config.syscallPack,
    });
    this.#files = new FileWatch({
      list: loadWatchList(config.watchedFiles),
      tree: this.#tree,
      container: (id) => this.#directory.get(id),
      drainSensor: () => this.#sensor.drain(),
      onEvent: (event) => this.#attributor.onEvent(event),
      onGap: (gap) => this.#lostByGap(gap, clock),
      ...{ procRoot: config.procRoot, logger, metrics },
    });
    this.#integrity = createIntegrity({
      ...{ sensor: this.#sensor, tree: this.#tree, directory: this.#directory },
      onChange: (event) => this.#attributor.onEvent(event),
      onExecutionEnded: (execution) => this.#pipeline.onExecutionEnded(execution),
      onSampled: (task) => this.#privileges.onSampled(task),
      ...{ intervalMs: config.sampleIntervalMs, maxProcesses: config.maxProcesses, procRoot: config.procRoot },
      ...{ cgroupRoot: this.#cgroupRoot, nowKtimeNs, logger, metrics },
    });
    this.#losses = new LossWatch({
      source: this.#sensor,
      containerOf: (cgroupId) => containerIdOf(this.#directory.lookup(cgroupId)),
      onLoss: (loss) => this.#lost(loss),
      // Not after any loss: what the full process table forgets would come back, and push out the next.
      onTreeDamaged: () => void this.#integrity.heal(),
      ...{ nowKtimeNs, logger, metrics },
    });
  }

  async start(): Promise<void> {
    try {
      this.#uplink.start();
      // Attached first: what happens while the runtimes are asked waits in the ring buffer and the attributor.
      this.#sensor.start();
      this.#files.start();
      await this.#directory.start();
      await this.#integrity.seed();
      this.#integrity.start();
      this.#privileges.start();
      await adoptRunningListeners({
        ...{ directory: this.#directory, sensor: this.#sensor, tree: this.#tree, attributor: this.#attributor },
        ...{ cgroupRoot: this.#cgroupRoot, procRoot: this.#procRoot },
      });
    } catch (error) {
      await this.close(0);
      throw error;
    }
    this.#every(lossCheckIntervalMs, () => {
      this.#losses.check();
      this.#lossLog.tick();
    });
    this.#every(repeatsIntervalMs, () => {
      this.#pipeline.tellRepeats('due');
      this.#awaited.expire();
    });
    this.#every(statusIntervalMs, () => this.#reportStatus());
    this.#ruleWatcher = new RuleWatcher({ directories: this.#rulesDirs, onChange: () => this.#reloadRules() });
    this.#reportStatus();
    releaseFreedMemory();
    this.#parts.logger.info({ hooks: this.#hooksByName(), ...this.#directory.status() }, 'the agent watches');
  }

  status(): AgentStatus {
    return {
      hooks: this.#sensor.hooks,
      directory: this.#directory.status(),
      rules: this.#detector.rules().length,
      uplinkConnected: this.#uplink.connected,
      pendingItems: this.#uplink.pendingItems,
      losses: this.#lossLog.list(),
    };
  }

  async close(deadlineMs = 5_000): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#ruleWatcher?.close();
    // Twice: what is lost to nobody in particular is told when it has been seen twice.
    for (let pass = 0; pass < 2; pass++) this.#losses.check();
    this.#files.close();
    await this.#integrity.close();
    await this.#privileges.close();
    this.#sensor.close();
    this.#attributor.close();
    this.#pipeline.tellRepeats('all');
    this.#lossLog.close();
    await this.#directory.close();
    const { undeliveredItems } = await this.#uplink.close(deadlineMs);
    if (undeliveredItems > 0)
      this.#parts.logger.warn({ undeliveredItems }, 'stopped before the collector had everything');
  }

  #createPrivilegeWatch(config: AgentConfig, clock: WallClock, nowKtimeNs: () => bigint): PrivilegeWatch {
    const { reviewAfterMs, rootScanIntervalMs, procRoot } = config;
    return new PrivilegeWatch({
      ...{ reviewAfterMs, rootScanIntervalMs, procRoot, clock, nowKtimeNs, metrics: this.#parts.metrics },
      containerOf: (cgroupId) => {
        const lookup = this.#directory.lookup(cgroupId);
        return lookup.state === 'container' ? lookup.container : undefined;
      },
      container: (id) => this.#directory.get(id),
      findExecution: (pid, startKtimeNs) => this.#tree.find(pid, startKtimeNs),
      onObservation: (observation) => this.#pipeline.onObservation(observation),
      onReviewed: (container) => this.#pipeline.onReviewed(container),
    });
  }

  /** A loss marks the events around it and is told upstream. */
  #lost(loss: Loss): void {
    this.#attributor.noteLoss(loss);
    this.#privileges.onLoss(loss);
    this.#lossLog.note(loss);
  }

  /** What a stage already speaks of as a gap, with the times of the wall clock. */
  #lostByGap({ hop, type, reason, count, fromUnixNs, toUnixNs, containerIds }: Gap, clock: WallClock): void {
    const bootUnixNs = clock.unixNs(0n);
    const window = { fromKtimeNs: fromUnixNs - bootUnixNs, toKtimeNs: toUnixNs - bootUnixNs };
    for (const containerId of containerIds.length === 0 ? [undefined] : containerIds)
      this.#lost({ hop, type, reason, count, ...window, containerId });
  }

  /** One thing that has just been lost, of a container as far as its cgroup is known. */
  #lostNow({ cgroupId, ...what }: Pick<Loss, 'hop' | 'type' | 'reason'> & { cgroupId: bigint | undefined }): void {
    const now = readClockNs(Clock.boottime);
    const containerId = cgroupId === undefined ? undefined : containerIdOf(this.#directory.lookup(cgroupId));
    if (containerId === null) return;
    this.#lost({ ...what, count: 1n, fromKtimeNs: now, toKtimeNs: now, containerId });
  }

  /** New posture rules are about the containers that run as well; each fires once per container. */
  #reloadRules(): void {
    if (!this.#detector.reload().ok) return;
    for (const container of this.#directory.list())
      if (container.state === ContainerState.RUNNING) this.#pipeline.onContainer(container);
  }

  #hooksByName(): Record<string, string> {
    return Object.fromEntries(this.#sensor.hooks.map((hook) => [hook.name, hook.attachPoint ?? 'not attached']));
  }

  #reportStatus(): void {
    const { runtimes, runningContainers } = this.#directory.status();
    const names = runtimes
      .filter((runtime) => runtime.connected)
      .map((runtime) => `${runtime.name} ${runtime.version}`.trim());
    const value = { hooks: this.#hooksByName(), runtimes: names, containersWatched: runningContainers };
    this.#uplink.send({ $case: 'agentStatus', value });
  }

  #every(intervalMs: number, task: () => void): void {
    this.#timers.push(setInterval(task, intervalMs));
  }
}

/** Null for what is no container, undefined while it is not known. */
function containerIdOf(lookup: CgroupLookup): string | null | undefined {
  if (lookup.state === 'container') return lookup.container.id;
  if (lookup.state === 'pending') return lookup.containerId;
  return lookup.state === 'not-container' ? null : undefined;
}
