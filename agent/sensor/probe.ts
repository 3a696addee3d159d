import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { findCgroupRoot } from './cgroup-root.ts';
import { Sensor } from './sensor.ts';

export interface SensorProbe {
  hooks: {
    name: string;
    /** The attach point in use; undefined when there is none. */
    attached: string | undefined;
    /** Why better attach points, or all, are not used. */
    reason: string | undefined;
    consequence: string;
  }[];
}

/**
 * Loads and attaches the real programs for a moment, so that what it says is what the agent would find.
 * @throws {CodedError} SENSOR_UNAVAILABLE, LIBBPF_MISSING, BPF_OBJECT_MISSING, LAYOUT_MISMATCH
 */
export async function probeSensor(options: {
  bpfObject: string;
  procRoot?: string;
  cgroupRoot?: string;
}): Promise<SensorProbe> {
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
    return {
      hooks: sensor.hooks.map((hook) => ({
        name: hook.name,
        attached: hook.attachPoint,
        reason: hook.reasons.length === 0 ? undefined : hook.reasons.join('; '),
        consequence: hook.consequence,
      })),
    };
  } finally {
    sensor.close();
  }
}
