import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { ContainerDirectory } from '../container/container-directory.ts';
import type { KernelEvent } from '../decode/kernel-event.ts';
import type { SampledTask } from '../decode/sampled-task.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { ProcessTree } from '../process/process-tree.ts';
import { readHostNamespaces } from '../sensor/host-namespaces.ts';
import type { Sensor } from '../sensor/sensor.ts';
import type { IntegrityEvent } from './integrity-event.ts';
import { IntegrityMonitor } from './integrity-monitor.ts';
import { SampleLoop } from './sample-loop.ts';
import { seedFromProc } from './seed-from-proc.ts';
import { TreeHealer } from './tree-healer.ts';

export interface IntegrityOptions {
  sensor: Pick<Sensor, 'canSample' | 'sample' | 'drain' | 'tables'>;
  tree: ProcessTree;
  directory: Pick<ContainerDirectory, 'lookup' | 'list'>;
  /** A change that was found; it is attributed as a record is. */
  onChange: (event: IntegrityEvent) => void;
  onExecutionEnded: (execution: ProcessExecution) => void;
  /** Told of the first thread of a process that is not as it was in its last sample, or had none. */
  onSampled?: (task: SampledTask) => void;
  /** Pause between samples; 0: none but at the start and after losses. */
  intervalMs: number;
  maxProcesses: number;
  procRoot: string;
  cgroupRoot: string;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  logger: Logger;
  metrics: Metrics;
}

/** What is known of running processes is compared with what the kernel says of them now. */
export interface Integrity {
  /** Takes every event, in the order of the kernel's records, after the process tree. */
  onEvent(event: KernelEvent): void;
  /** Enters what runs in containers already, from a sample or, where there can be none, from /proc; how many there were. */
  seed(): Promise<number>;
  /** Starts to take samples, where the kernel can be asked for them. */
  start(): void;
  /** After a loss of records. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** Reading /proc for all containers is dear: after losses, not more often than this. */
const procHealIntervalNs = 10_000_000_000n;

export function createIntegrity(options: IntegrityOptions): Integrity {
  const { sensor, tree, directory, onChange, onExecutionEnded, nowKtimeNs, logger, metrics } = options;
  const monitor = new IntegrityMonitor({
    surroundings: {
      hostNamespaces: readHostNamespaces(options.procRoot),
      executablePath: (pid, startKtimeNs) => tree.find(pid, startKtimeNs)?.executable.path ?? '',
    },
    onChange,
    maxProcesses: options.maxProcesses,
  });
  const healer = new TreeHealer({
    ...{ tree, directory, monitor, onUnseen: onChange, onExecutionEnded, nowKtimeNs, metrics },
    listProcess: (pid, details) => sensor.tables.adoptProcess(pid, details),
  });
  const loop = new SampleLoop({
    takeSample: () => sensor.sample(),
    drainEvents: () => sensor.drain(),
    ...(options.onSampled === undefined ? {} : { onSampled: options.onSampled }),
    ...{ monitor, healer, intervalMs: options.intervalMs, nowKtimeNs, logger, metrics },
  });
  const { cgroupRoot } = options;
  const fromProc = (): Promise<number> => seedFromProc({ sensor, tree, directory, cgroupRoot });
  const healFromProc = atMostEvery(procHealIntervalNs, nowKtimeNs, fromProc);

  async function seed(): Promise<number> {
    if (!sensor.canSample) return await fromProc();
    try {
      return await loop.seed();
    } catch (error) {
      logger.warn({ reason: errorText(error) }, 'running processes cannot be sampled: they are read from /proc');
      return await fromProc();
    }
  }

  return {
    onEvent: (event) => monitor.onEvent(event),
    seed,
    start: () => {
      if (sensor.canSample) loop.start();
    },
    heal: async () => {
      if (sensor.canSample) await loop.heal();
      else await healFromProc();
    },
    close: () => loop.close(),
  };
}

function atMostEvery(intervalNs: bigint, nowKtimeNs: () => bigint, run: () => Promise<unknown>): () => Promise<void> {
  let nextKtimeNs = 0n;
  return async () => {
    if (nowKtimeNs() < nextKtimeNs) return;
    nextKtimeNs = nowKtimeNs() + intervalNs;
    await run();
  };
}
