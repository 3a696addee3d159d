import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelEvent, KernelEventKind } from '../../agent/decode/kernel-event.ts';
import { Sensor, type SensorOptions } from '../../agent/sensor/sensor.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { docker, type RunOptions, runContainer, type TestContainer } from './docker.ts';

export type EventOf<K extends KernelEventKind> = Extract<KernelEvent, { kind: K }>;

export const bpfObject = join(process.cwd(), '.build', 'tallyman.bpf.o');

/** The cgroup v2 root: of a pure v2 host, or of one that mounts v1 and v2 side by side. */
export function cgroupRoot(): string {
  const unified = '/sys/fs/cgroup/unified';
  return statSync(unified, { throwIfNoEntry: false }) === undefined ? '/sys/fs/cgroup' : unified;
}

/** The cgroup v2 id of a running process. */
export function cgroupIdOf(pid: number): bigint {
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((text) => text.startsWith('0::'));
  return statSync(join(cgroupRoot(), line?.slice(3) ?? '/'), { bigint: true }).ino;
}

/** A real sensor that keeps every event it has read. */
export class SensorSession {
  readonly sensor: Sensor;
  readonly events: KernelEvent[] = [];

  constructor(
    options: Partial<Pick<SensorOptions, 'ringBytes' | 'repeatIntervalMs' | 'budgets' | 'syscallPack'>> = {},
  ) {
    this.sensor = new Sensor({
      objectPath: bpfObject,
      procRoot: '/proc',
      cgroupRoot: cgroupRoot(),
      ringBytes: options.ringBytes ?? 8 * 1024 * 1024,
      onEvent: (event) => this.events.push(event),
      logger: silentLogger,
      metrics: new Metrics('agent'),
      syscallPack: options.syscallPack ?? false,
      ...(options.repeatIntervalMs === undefined ? {} : { repeatIntervalMs: options.repeatIntervalMs }),
      ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
    });
  }

  start(): this {
    this.sensor.start();
    return this;
  }

  close(): void {
    this.sensor.close();
  }

  /** Runs a container to its end and answers its events: those of the cgroup that was made for it, in order. */
  async eventsOf(options: RunOptions): Promise<KernelEvent[]> {
    const container = await runContainer(options);
    try {
      await container.wait();
      return await this.eventsOfContainer(container);
    } finally {
      await container.remove();
    }
  }

  /** The events so far of a container, once its cgroup is gone or its last record has been read. */
  async eventsOfContainer(container: TestContainer): Promise<KernelEvent[]> {
    await docker.getContainer(container.id).inspect();
    this.sensor.drain();
    const birth = this.events.find((event) => event.kind === 'cgroup-mkdir' && event.path.endsWith(container.id));
    if (birth === undefined) throw new Error(`no cgroup-mkdir event of container ${container.id}`);
    return this.events.filter((event) => event.cgroupId === birth.cgroupId);
  }
}

export function ofKind<K extends KernelEventKind>(events: readonly KernelEvent[], kind: K): EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind);
}

/** The only element; fails when there is none or more than one. */
export function only<T>(items: readonly T[]): T {
  if (items.length !== 1)
    throw new Error(
      `expected one element, got ${items.length}: ${JSON.stringify(items, (_key, value) => (typeof value === 'bigint' ? String(value) : value))}`,
    );
  return items[0] as T;
}
