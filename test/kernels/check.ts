import type { KernelEvent, KernelEventKind } from '../../agent/decode/kernel-event.ts';
import type { SampledTask } from '../../agent/decode/sampled-task.ts';
import type { GuestRun } from './guest-container.ts';

/** A real action in a container and what the sensor must say about it. */
export interface Check {
  name: string;
  /** The hook it is about. */
  hook: string;
  /** Only where the hook is attached to one of these: ways that see different things need checks of their own. */
  attachedTo?: RegExp;
  script: string;
  /** Samples of the tasks are taken while the script runs. */
  sampled?: true;
  /**
   * `events` are those of the container's cgroup, in order; `samples` what was sampled of it, where asked for. Throws when
   * something is wrong or missing.
   */
  verify(events: readonly KernelEvent[], run: GuestRun, samples: readonly SampledTask[]): void;
}

export type EventOf<K extends KernelEventKind> = Extract<KernelEvent, { kind: K }>;

export function ofKind<K extends KernelEventKind>(events: readonly KernelEvent[], kind: K): EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind);
}

/** The only element; fails when there is none or more than one. */
export function only<T>(items: readonly T[], all: readonly unknown[] = items): T {
  if (items.length !== 1) throw new Error(`expected one event, got ${items.length} of ${toJson(all)}`);
  return items[0] as T;
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part));
}

/** Shell command that waits until something listens on a TCP port over IPv4: emulated kernels are slow. */
export function untilListening(port: number): string {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  return `until grep -q ":${local} 00000000:0000 0A" /proc/net/tcp; do sleep 0.1; done`;
}
