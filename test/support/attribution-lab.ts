import { type Attributor, createAttributor } from '../../agent/container/attributor.ts';
import type { Container } from '../../agent/container/container.ts';
import { type ContainerDirectory, createContainerDirectory } from '../../agent/container/container-directory.ts';
import type { ContainerRuntime } from '../../agent/container/runtime.ts';
import type { AttributedEvent } from '../../agent/detect/attributed-event.ts';
import type { ProcessExecution } from '../../agent/process/process.ts';
import { createProcessTree } from '../../agent/process/process-tree.ts';
import { Sensor } from '../../agent/sensor/sensor.ts';
import { type Logger, silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { cgroupRoot } from './docker-directory.ts';
import { bpfObject } from './sensor-session.ts';

/** The agent from the kernel to attributed events, with a real sensor and whatever runtimes. */
export interface AttributionLab {
  directory: ContainerDirectory;
  attributor: Attributor;
  attributed: AttributedEvent[];
  ended: ProcessExecution[];
  /** Every record as it was reported, in order. */
  updates: Container[];
  execsOf(containerId: string): AttributedEvent[];
  close(): Promise<void>;
}

export async function startAttribution(
  runtimes: (parts: { logger: Logger; metrics: Metrics }) => ContainerRuntime[],
): Promise<AttributionLab> {
  const parts = { logger: silentLogger, metrics: new Metrics('agent') };
  const attributed: AttributedEvent[] = [];
  const ended: ProcessExecution[] = [];
  const updates: Container[] = [];
  const tree = createProcessTree({ ...parts, bootId: '0123456789', maxProcesses: 10_000, procRoot: '/proc' });
  const directory = createContainerDirectory({
    ...{ ...parts, runtimes: runtimes(parts), cgroupRoot, onUpdate: (container) => updates.push(container) },
    onVerdict: (cgroupId, verdict, key) => sensor.tables.setVerdict(cgroupId, verdict, key),
    onForgotten: (cgroupId) => sensor.tables.forgetCgroup(cgroupId),
  });
  const attributor = createAttributor({
    ...{ ...parts, directory, tree },
    emit: (event) => attributed.push(event),
    onExecutionEnded: (execution) => ended.push(execution),
  });
  const sensor = new Sensor({
    ...{ ...parts, objectPath: bpfObject, procRoot: '/proc', cgroupRoot, ringBytes: 8 * 1024 * 1024 },
    onEvent: (event) => attributor.onEvent(event),
  });
  sensor.start();
  await directory.start();
  return {
    ...{ directory, attributor, attributed, ended, updates },
    execsOf: (id) => attributed.filter(({ event, container }) => event.kind === 'exec' && container.id === id),
    close: async () => {
      sensor.close();
      attributor.close();
      await directory.close();
    },
  };
}
