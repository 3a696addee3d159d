import { type AgentConfig, type AgentOptions, parseAgentConfig } from './config.ts';
import { ContainerState } from './container/container.ts';
import type { ContainerDirectoryStatus } from './container/directory-status.ts';
import { RuleWatcher } from './detect/rule-watcher.ts';
import { adoptRunningListeners } from './network/adopt-listeners.ts';
import type { LossEpisode } from './observe/loss-log.ts';
import type { AgentParts } from './parts.ts';
import type { HookState } from './sensor/hooks.ts';
import { releaseFreedMemory } from './sensor/libc.ts';
import { AgentStages } from './stages.ts';

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
  readonly #config: AgentConfig;
  readonly #stages: AgentStages;
  readonly #timers: NodeJS.Timeout[] = [];
  #ruleWatcher: RuleWatcher | undefined;

  constructor(config: AgentConfig, parts: AgentParts) {
    this.#parts = parts;
    this.#config = config;
    this.#stages = new AgentStages(config, parts);
  }

  async start(): Promise<void> {
    try {
      this.#stages.uplink.start();
      // Attached first: what happens while the runtimes are asked waits in the ring buffer and the attributor.
      this.#stages.sensor.start();
      this.#stages.files.start();
      await this.#stages.directory.start();
      await this.#stages.integrity.seed();
      this.#stages.integrity.start();
      this.#stages.privileges.start();
      await adoptRunningListeners({ ...this.#stages, procRoot: this.#config.procRoot });
    } catch (error) {
      await this.close(0);
      throw error;
    }
    this.#every(lossCheckIntervalMs, () => {
      this.#stages.losses.check();
      this.#stages.lossLog.tick();
    });
    this.#every(repeatsIntervalMs, () => {
      this.#stages.pipeline.tellRepeats('due');
      this.#stages.awaited.expire();
    });
    this.#every(statusIntervalMs, () => this.#reportStatus());
    this.#ruleWatcher = new RuleWatcher({ directories: this.#config.rulesDirs, onChange: () => this.#reloadRules() });
    this.#reportStatus();
    releaseFreedMemory();
    this.#parts.logger.info({ hooks: this.#hooksByName(), ...this.#stages.directory.status() }, 'the agent watches');
  }

  status(): AgentStatus {
    return {
      hooks: this.#stages.sensor.hooks,
      directory: this.#stages.directory.status(),
      rules: this.#stages.detector.rules().length,
      uplinkConnected: this.#stages.uplink.connected,
      pendingItems: this.#stages.uplink.pendingItems,
      losses: this.#stages.lossLog.list(),
    };
  }

  async close(deadlineMs = 5_000): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#ruleWatcher?.close();
    // Twice: what is lost to nobody in particular is told when it has been seen twice.
    for (let pass = 0; pass < 2; pass++) this.#stages.losses.check();
    this.#stages.files.close();
    await this.#stages.inventories.close();
    await this.#stages.integrity.close();
    await this.#stages.privileges.close();
    this.#stages.sensor.close();
    this.#stages.attributor.close();
    this.#stages.pipeline.tellRepeats('all');
    this.#stages.lossLog.close();
    await this.#stages.directory.close();
    const { undeliveredItems } = await this.#stages.uplink.close(deadlineMs);
    if (undeliveredItems > 0)
      this.#parts.logger.warn({ undeliveredItems }, 'stopped before the collector had everything');
  }

  /** New posture rules are about the containers that run as well; each fires once per container. */
  #reloadRules(): void {
    if (!this.#stages.detector.reload().ok) return;
    for (const container of this.#stages.directory.list())
      if (container.state === ContainerState.RUNNING) this.#stages.pipeline.onContainer(container);
  }

  #hooksByName(): Record<string, string> {
    return Object.fromEntries(this.#stages.sensor.hooks.map((hook) => [hook.name, hook.attachPoint ?? 'not attached']));
  }

  #reportStatus(): void {
    const { runtimes, runningContainers } = this.#stages.directory.status();
    const names = runtimes
      .filter((runtime) => runtime.connected)
      .map((runtime) => `${runtime.name} ${runtime.version}`.trim());
    const value = { hooks: this.#hooksByName(), runtimes: names, containersWatched: runningContainers };
    this.#stages.uplink.send({ $case: 'agentStatus', value });
  }

  #every(intervalMs: number, task: () => void): void {
    this.#timers.push(setInterval(task, intervalMs));
  }
}
