import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { findCgroupRoot } from './cgroup-root.ts';
import type { HookState } from './hooks.ts';
import { Sensor } from './sensor.ts';

/**
 * Loads and attaches the real programs for a moment, so that what it says is what the agent would find.
 * @throws {CodedError} SENSOR_UNAVAILABLE, LIBBPF_MISSING, BPF_OBJECT_MISSING, LAYOUT_MISMATCH
 */
export async function probeSensor(options: {
  bpfObject: string;
  procRoot?: string;
  cgroupRoot?: string;
}): Promise<HookState[]> {
  const sensor = new Sensor({
    objectPath: options.bpfObject,
    procRoot: options.procRoot ?? '/proc',
    cgroupRoot: options.cgroupRoot ?? findCgroupRoot(),
    ringBytes: 64 * 1024,
    onEvent: () => undefined,
    logger: silentLogger,
    metrics: new Metrics('agent'),
  });
  try {
    sensor.start();
    return [...sensor.hooks];
  } finally {
    sensor.close();
  }
}
