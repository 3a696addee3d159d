import { ChannelCredentials } from '@grpc/grpc-js';
import { BaselineStore } from './baseline/baseline-store.ts';
import { type AgentConfig, requireCgroupRoot } from './config.ts';
import { type Attributor, createAttributor } from './container/attributor.ts';
import { type ContainerDirectory, createContainerDirectory } from './container/container-directory.ts';
import { hostRuntimes } from './container/host-runtimes.ts';
import type { WallClock } from './detect/attributed-event.ts';
import { AwaitedEvents } from './detect/awaited-events.ts';
import { createDetector, type Detector } from './detect/detector.ts';
import type { SentenceFacts } from './detect/sentence-facts.ts';
import { FileWatch } from './files/file-watch.ts';
import { UserNames } from './files/user-names.ts';
import { loadWatchList } from './files/watch-list.ts';
import { createIntegrity, type Integrity } from './integrity/integrity.ts';
import { InventoryService } from './inventory/inventory-service.ts';
import { containerIdOf, lost, lostByGap, lostNow } from './lost.ts';
import { describeNode } from './node.ts';
import { LossLog } from './observe/loss-log.ts';
import { LossWatch } from './observe/loss-watch.ts';
import { Observations } from './observe/observations.ts';
import { ReportedExecutions } from './observe/reported-executions.ts';
import type { AgentParts } from './parts.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { PrivilegeWatch } from './privileges/privilege-watch.ts';
import { createProcessTree, type ProcessTree } from './process/process-tree.ts';
import { createWallClock } from './process/wall-clock.ts';
import { Clock, readClockNs } from './sensor/libc.ts';
import { Sensor } from './sensor/sensor.ts';
import { createUplink, type Uplink } from './uplink/uplink.ts';

const nowKtimeNs = (): bigint => readClockNs(Clock.boottime);
const nowUnixNs = (): bigint => readClockNs(Clock.realtime);

/**
 * The agent's stages and what each tells the others. Events flow kernel → sensor → attributor → pipeline → uplink; the stages
 * are made in the opposite order, and none calls another before all are made.
 */
export class AgentStages {
  readonly #config: AgentConfig;
  readonly #parts: AgentParts;
  readonly #node: ReturnType<typeof describeNode>;
  readonly #clock: WallClock;
  readonly #baselines: BaselineStore;
  readonly cgroupRoot: string;
  readonly uplink: Uplink;
  readonly lossLog: LossLog;
  readonly detector: Detector;
  readonly awaited: AwaitedEvents;
  readonly privileges: PrivilegeWatch;
  readonly pipeline: Pipeline;
  readonly tree: ProcessTree;
  readonly directory: ContainerDirectory;
  readonly attributor: Attributor;
  readonly sensor: Sensor;
  readonly files: FileWatch;
  readonly integrity: Integrity;
  readonly losses: LossWatch;
  readonly inventories: InventoryService;

  /** @throws {CodedError} CONFIG_INVALID, RULES_INVALID and those of the sensor */
  constructor(config: AgentConfig, parts: AgentParts) {
    const { logger, metrics } = parts;
    this.#config = config;
    this.#parts = parts;
    this.cgroupRoot = requireCgroupRoot(config);
    this.#node = describeNode(config.nodeName, config.procRoot);
    this.#clock = createWallClock({ readBoottimeNs: nowKtimeNs, readRealtimeNs: nowUnixNs });
    this.#baselines = new BaselineStore({ onChanged: (key) => this.pipeline.onBaseline(key), logger, metrics });
    this.uplink = parts.uplink ?? this.#createUplink();
    this.lossLog = new LossLog({
      onGap: (gap) => this.uplink.send({ $case: 'gap', value: gap }),
      ...{ clock: this.#clock, nowKtimeNs, metrics },
    });
    this.detector = createDetector({
      ...{ rulesDirs: config.rulesDirs, clock: this.#clock, sentenceFacts: this.#sentenceFacts() },
      ...{ baselines: this.#baselines, logger, metrics },
    });
    this.awaited = new AwaitedEvents({ store: this.#baselines, nowKtimeNs, metrics });
    this.privileges = this.#createPrivilegeWatch();
    this.pipeline = this.#createPipeline();
    this.tree = this.#createTree();
    this.directory = this.#createDirectory();
    this.attributor = this.#createAttributor();
    this.sensor = this.#createSensor();
    this.files = this.#createFileWatch();
    this.integrity = this.#createIntegrity();
    this.losses = this.#createLossWatch();
    this.inventories = this.#createInventories();
  }

  #createUplink(): Uplink {
    const { uplinkAddress, insecureUplink, nodeName, maxQueueItems, maxQueueBytes } = this.#config;
    const { logger, metrics } = this.#parts;
    const node = this.#node;
    return createUplink({
      ...{ address: uplinkAddress, insecureUplink, maxQueueItems, maxQueueBytes },
      ...{ node, agentId: `${nodeName}:${node.bootId.slice(0, 8)}`, epoch: nowUnixNs(), logger, metrics },
      onBaselines: (update) => this.#baselines.update(update),
      onInventoryRequest: (request) => this.inventories.request(request),
    });
  }

  #sentenceFacts(): SentenceFacts {
    const { procRoot } = this.#config;
    const users = new UserNames({ container: (id) => this.directory.get(id), procRoot });
    return {
      userName: (containerId, uid) => users.nameOf(containerId, uid),
      lastWrite: (containerId, path) => this.files.lastWrite(containerId, path),
      unixNs: (ktimeNs) => this.#clock.unixNs(ktimeNs),
    };
  }

  #createPrivilegeWatch(): PrivilegeWatch {
    const { reviewAfterMs, rootScanIntervalMs, procRoot } = this.#config;
    return new PrivilegeWatch({
      ...{ reviewAfterMs, rootScanIntervalMs, procRoot, clock: this.#clock, nowKtimeNs },
      metrics: this.#parts.metrics,
      containerOf: (cgroupId) => {
        const lookup = this.directory.lookup(cgroupId);
        return lookup.state === 'container' ? lookup.container : undefined;
      },
      container: (id) => this.directory.get(id),
      findExecution: (pid, startKtimeNs) => this.tree.find(pid, startKtimeNs),
      onObservation: (observation) => this.pipeline.onObservation(observation),
      onReviewed: (container) => this.pipeline.onReviewed(container),
    });
  }

  #createPipeline(): Pipeline {
    const { detector, awaited, uplink, privileges } = this;
    return createPipeline({
      ...{ detector, awaited, uplink, privileges, metrics: this.#parts.metrics },
      observations: new Observations({ clock: this.#clock, onLoss: (loss) => this.lossLog.note(loss) }),
      reported: new ReportedExecutions(this.#clock),
      watchFiles: (id, initPid) => this.files.watch(id, initPid),
    });
  }

  #createTree(): ProcessTree {
    const { maxProcesses, procRoot } = this.#config;
    const { logger, metrics } = this.#parts;
    const evicted = { hop: 'process-table', type: 'process', reason: 'evicted', cgroupId: undefined };
    return createProcessTree({
      ...{ bootId: this.#node.bootId, maxProcesses, procRoot, logger, metrics },
      onEvicted: () => lostNow(this, evicted, nowKtimeNs()),
    });
  }

  #createDirectory(): ContainerDirectory {
    const { procRoot } = this.#config;
    const { logger, metrics } = this.#parts;
    return createContainerDirectory({
      ...{ cgroupRoot: this.cgroupRoot, procRoot, logger, metrics },
      runtimes: hostRuntimes({ ...this.#config, logger, metrics }),
      onVerdict: (cgroupId, verdict, key) => this.sensor.tables.setVerdict(cgroupId, verdict, key),
      onForgotten: (cgroupId) => {
        this.sensor.tables.forgetCgroup(cgroupId);
        this.losses.forget(cgroupId);
      },
      onUpdate: (container) => {
        this.pipeline.onContainer(container);
        this.files.onContainer(container);
        this.privileges.onContainer(container);
      },
    });
  }

  #createAttributor(): Attributor {
    const { logger, metrics } = this.#parts;
    return createAttributor({
      ...{ directory: this.directory, tree: this.tree, logger, metrics },
      emit: (event) => {
        this.#parts.onEvent?.(event, this.#clock.unixNs(event.event.ktimeNs));
        this.pipeline.onAttributed(event);
      },
      onExecutionEnded: (execution) => this.pipeline.onExecutionEnded(execution),
      onLoss: (loss) => lost(this, loss),
    });
  }

  #createSensor(): Sensor {
    const { bpfObject, budgets, procRoot, ringBytes, syscallPack } = this.#config;
    const { logger, metrics } = this.#parts;
    return new Sensor({
      ...{
        objectPath: bpfObject,
        budgets,
        procRoot,
        cgroupRoot: this.cgroupRoot,
        ringBytes,
        syscallPack,
        logger,
        metrics,
      },
      onEvent: (event) => {
        this.attributor.onEvent(event);
        this.integrity.onEvent(event);
      },
      onInvalid: ({ type, cgroupId }) =>
        lostNow(this, { hop: 'decode', type, reason: 'invalid', cgroupId }, nowKtimeNs()),
      beforeDrain: () => this.losses.notice(),
    });
  }

  #createFileWatch(): FileWatch {
    const { watchedFiles, procRoot } = this.#config;
    const { logger, metrics } = this.#parts;
    return new FileWatch({
      ...{ list: loadWatchList(watchedFiles), tree: this.tree, procRoot, logger, metrics },
      container: (id) => this.directory.get(id),
      drainSensor: () => this.sensor.drain(),
      onEvent: (event) => this.attributor.onEvent(event),
      onGap: (gap) => lostByGap(this, gap, this.#clock),
    });
  }

  #createIntegrity(): Integrity {
    const { sampleIntervalMs, maxProcesses, procRoot } = this.#config;
    const { logger, metrics } = this.#parts;
    return createIntegrity({
      ...{ sensor: this.sensor, tree: this.tree, directory: this.directory },
      ...{
        intervalMs: sampleIntervalMs,
        maxProcesses,
        procRoot,
        cgroupRoot: this.cgroupRoot,
        nowKtimeNs,
        logger,
        metrics,
      },
      onChange: (event) => this.attributor.onEvent(event),
      onExecutionEnded: (execution) => this.pipeline.onExecutionEnded(execution),
      onSampled: (task) => this.privileges.onSampled(task),
    });
  }

  #createInventories(): InventoryService {
    const { uplinkAddress, procRoot } = this.#config;
    const { logger, metrics } = this.#parts;
    return new InventoryService({
      ...{ address: uplinkAddress, credentials: ChannelCredentials.createInsecure(), procRoot, logger, metrics },
      containers: () => this.directory.list(),
      layerDigests: (container) => this.directory.layerDigests(container),
    });
  }

  #createLossWatch(): LossWatch {
    const { logger, metrics } = this.#parts;
    return new LossWatch({
      ...{ source: this.sensor, nowKtimeNs, logger, metrics },
      containerOf: (cgroupId) => containerIdOf(this.directory.lookup(cgroupId)),
      onLoss: (loss) => lost(this, loss),
      // Not after any loss: what the full process table forgets would come back, and push out the next.
      onTreeDamaged: () => void this.integrity.heal(),
    });
  }
}
