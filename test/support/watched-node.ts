import { setTimeout as sleep } from 'node:timers/promises';
import { type Attributor, createAttributor } from '../../agent/container/attributor.ts';
import { type ContainerDirectory, createContainerDirectory } from '../../agent/container/container-directory.ts';
import { DockerRuntime } from '../../agent/container/docker.ts';
import { hostSocketProbe } from '../../agent/container/runtime-sockets.ts';
import { decodeSampledTask, type SampledTask } from '../../agent/decode/sampled-task.ts';
import type { AttributedEvent } from '../../agent/detect/attributed-event.ts';
import { createIntegrity, type Integrity } from '../../agent/integrity/integrity.ts';
import type { IntegrityEvent } from '../../agent/integrity/integrity-event.ts';
import type { ProcessExecution } from '../../agent/process/process.ts';
import { createProcessTree, type ProcessTree } from '../../agent/process/process-tree.ts';
import { Clock, readClockNs } from '../../agent/sensor/libc.ts';
import { Sensor } from '../../agent/sensor/sensor.ts';
import type { TaskSample } from '../../agent/sensor/task-sampler.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { docker as dockerClient } from './docker.ts';
import { bpfObject, cgroupIdOf, cgroupRoot } from './sensor-session.ts';

const bootId = '0123456789';

/** The agent's stages from the kernel to attributed events, all real, on this node. */
export class WatchedNode {
  readonly metrics = new Metrics('agent');
  readonly attributed: AttributedEvent[] = [];
  readonly ended: ProcessExecution[] = [];
  readonly tree: ProcessTree;
  readonly directory: ContainerDirectory;
  readonly sensor: Sensor;
  readonly integrity: Integrity;
  readonly #attributor: Attributor;
  #deaf = false;

  constructor(options: { intervalMs: number }) {
    const parts = { logger: silentLogger, metrics: this.metrics };
    this.tree = createProcessTree({ ...parts, bootId, maxProcesses: 20_000, procRoot: '/proc' });
    const probe = hostSocketProbe('/proc');
    const docker = new DockerRuntime({ ...parts, socketPath: '/var/run/docker.sock', probe });
    this.directory = createContainerDirectory({
      ...{ ...parts, runtimes: [docker], cgroupRoot: cgroupRoot(), onUpdate: () => undefined },
      onVerdict: (cgroupId, verdict, key) => this.sensor.tables.setVerdict(cgroupId, verdict, key),
      onForgotten: (cgroupId) => this.sensor.tables.forgetCgroup(cgroupId),
    });
    const onExecutionEnded = (execution: ProcessExecution) => this.ended.push(execution);
    this.#attributor = createAttributor({
      ...{ ...parts, directory: this.directory, tree: this.tree, onExecutionEnded },
      emit: (event) => this.attributed.push(event),
    });
    this.sensor = new Sensor({
      ...{ ...parts, objectPath: bpfObject, procRoot: '/proc', cgroupRoot: cgroupRoot(), ringBytes: 8 * 1024 * 1024 },
      onEvent: (event) => {
        if (this.#deaf && event.kind !== 'cgroup-mkdir' && event.kind !== 'cgroup-rmdir') return;
        this.#attributor.onEvent(event);
        this.integrity.onEvent(event);
      },
    });
    this.integrity = createIntegrity({
      ...{ ...parts, sensor: this.sensor, tree: this.tree, directory: this.directory, onExecutionEnded },
      onChange: (event) => this.#attributor.onEvent(event),
      ...{ intervalMs: options.intervalMs, maxProcesses: 20_000, procRoot: '/proc' },
      cgroupRoot: cgroupRoot(),
      nowKtimeNs: () => readClockNs(Clock.boottime),
    });
  }

  /** Like the agent's start; answers how many processes ran already. Samples can be begun later. */
  async start({ sampling = true }: { sampling?: boolean } = {}): Promise<number> {
    this.sensor.start();
    await this.directory.start();
    const seeded = await this.integrity.seed();
    if (sampling) this.integrity.start();
    return seeded;
  }

  async close(): Promise<void> {
    await this.integrity.close();
    this.sensor.close();
    this.#attributor.close();
    await this.directory.close();
  }

  /** While deaf, records of processes are lost on their way: between the ring buffer and the stages. */
  set deaf(deaf: boolean) {
    this.sensor.drain();
    this.#deaf = deaf;
  }

  /** All tasks of containers as the kernel has them now. */
  async tasks(): Promise<SampledTask[]> {
    const tasks: SampledTask[] = [];
    const sample = await this.#sample();
    sample.forEach((view, at) => {
      tasks.push(decodeSampledTask(view, at));
    });
    return tasks;
  }

  changesOf(containerId: string): (IntegrityEvent & { execution: ProcessExecution | undefined })[] {
    return this.attributed.flatMap(({ event, container, execution }) =>
      event.kind === 'integrity' && container.id === containerId ? [{ ...event, execution }] : [],
    );
  }

  /** The node's own samples come in between: there is one at a time. */
  async #sample(): Promise<TaskSample> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.sensor.sample();
      } catch (error) {
        if (attempt === 100) throw error;
        await sleep(5);
      }
    }
  }

  /** Value of a counter of the agent, by its full line without the number. */
  async counter(line: string): Promise<number> {
    const text = await this.metrics.registry.metrics();
    const found = text.split('\n').find((each) => each.startsWith(`tallyman_agent_${line} `));
    return found === undefined ? 0 : Number(found.slice(found.lastIndexOf(' ') + 1));
  }
}

/** The host's pid of a container's first process, and its cgroup. */
export async function initOf(containerId: string): Promise<{ pid: number; cgroupId: bigint }> {
  const { State } = await dockerClient.getContainer(containerId).inspect();
  return { pid: State.Pid, cgroupId: cgroupIdOf(State.Pid) };
}
