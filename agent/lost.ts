import type { Gap } from '../proto/generated/tallyman/v1/uplink.ts';
import type { Attributor } from './container/attributor.ts';
import type { CgroupLookup } from './container/container.ts';
import type { ContainerDirectory } from './container/container-directory.ts';
import type { Loss } from './container/loss-windows.ts';
import type { WallClock } from './detect/attributed-event.ts';
import type { LossLog } from './observe/loss-log.ts';
import type { PrivilegeWatch } from './privileges/privilege-watch.ts';

/** Who has to know of what was lost. */
export interface LossListeners {
  directory: ContainerDirectory;
  attributor: Attributor;
  privileges: PrivilegeWatch;
  lossLog: LossLog;
}

/** A loss marks the events around it and is told upstream. */
export function lost({ attributor, privileges, lossLog }: LossListeners, loss: Loss): void {
  attributor.noteLoss(loss);
  privileges.onLoss(loss);
  lossLog.note(loss);
}

/** What a stage already speaks of as a gap, with the times of the wall clock. */
export function lostByGap(listeners: LossListeners, gap: Gap, clock: WallClock): void {
  const { hop, type, reason, count, fromUnixNs, toUnixNs, containerIds } = gap;
  const bootUnixNs = clock.unixNs(0n);
  const window = { fromKtimeNs: fromUnixNs - bootUnixNs, toKtimeNs: toUnixNs - bootUnixNs };
  for (const containerId of containerIds.length === 0 ? [undefined] : containerIds)
    lost(listeners, { hop, type, reason, count, ...window, containerId });
}

/** One thing that has just been lost, of a container as far as its cgroup is known. */
export function lostNow(
  listeners: LossListeners,
  { cgroupId, ...what }: Pick<Loss, 'hop' | 'type' | 'reason'> & { cgroupId: bigint | undefined },
  nowKtimeNs: bigint,
): void {
  const containerId = cgroupId === undefined ? undefined : containerIdOf(listeners.directory.lookup(cgroupId));
  if (containerId === null) return;
  lost(listeners, { ...what, count: 1n, fromKtimeNs: nowKtimeNs, toKtimeNs: nowKtimeNs, containerId });
}

/** Null for what is no container, undefined while it is not known. */
export function containerIdOf(lookup: CgroupLookup): string | null | undefined {
  if (lookup.state === 'container') return lookup.container.id;
  if (lookup.state === 'pending') return lookup.containerId;
  return lookup.state === 'not-container' ? null : undefined;
}
