import { recordTypeNames } from '../decode/decode.ts';
import {
  containerLossBytes,
  LossReason,
  ledgerEntryBytes,
  lossKeyBytes,
  readContainerLoss,
  readLedgerEntry,
  readLossKey,
} from '../decode/layout.generated.ts';
import type { Libbpf } from './libbpf.ts';

export type LossReasonName = 'ring-full' | 'table-full' | 'oversize' | 'throttled';

const reasonNames: readonly (readonly [number, LossReasonName])[] = [
  [LossReason.LOSS_RING_FULL, 'ring-full'],
  [LossReason.LOSS_TABLE_FULL, 'table-full'],
  [LossReason.LOSS_OVERSIZE, 'oversize'],
  [LossReason.LOSS_THROTTLED, 'throttled'],
];

export const lossReasons: readonly LossReasonName[] = reasonNames.map(([, name]) => name);

export interface LedgerCounts {
  /** Everything that should have been sent: sent and lost together, and for a moment what is under way. */
  attempted: bigint;
  sent: bigint;
  lost: Record<LossReasonName, bigint>;
}

/** What the kernel says of one record type since the programs were loaded, over all CPUs and on each. */
export interface LedgerRow extends LedgerCounts {
  type: string;
  typeNumber: number;
  cpus: LedgerCounts[];
}

/** Losses of one type for one reason that are known to concern one container. */
export interface ContainerLossRow {
  /** cgroup id of the container. */
  containerKey: bigint;
  type: string;
  reason: LossReasonName;
  /** Only grows. */
  count: bigint;
  /** Of the present, or last, episode. */
  sinceKtimeNs: bigint;
  lastKtimeNs: bigint;
}

function noCounts(): LedgerCounts {
  return { attempted: 0n, sent: 0n, lost: { 'ring-full': 0n, 'table-full': 0n, oversize: 0n, throttled: 0n } };
}

/** Reads the kernel's side of the ledger. */
export function readLedger(libbpf: Libbpf, ledgerFd: number, cpuCount: number): LedgerRow[] {
  const key = Buffer.alloc(4);
  const values = Buffer.alloc(ledgerEntryBytes * cpuCount);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const rows: LedgerRow[] = [];
  for (const [typeNumber, type] of recordTypeNames) {
    key.writeUInt32LE(typeNumber);
    if (libbpf.lookupElement(ledgerFd, key, values) !== 0) continue;
    const row: LedgerRow = { type, typeNumber, ...noCounts(), cpus: [] };
    for (let cpu = 0; cpu < cpuCount; cpu++) row.cpus.push(addEntry(row, view, cpu * ledgerEntryBytes));
    rows.push(row);
  }
  return rows;
}

function addEntry(total: LedgerCounts, view: DataView, at: number): LedgerCounts {
  const entry = readLedgerEntry(view, at);
  const counts = noCounts();
  counts.attempted = entry.attempted;
  counts.sent = entry.sent;
  total.attempted += entry.attempted;
  total.sent += entry.sent;
  for (const [index, name] of reasonNames) {
    counts.lost[name] = entry.lost[index] ?? 0n;
    total.lost[name] += counts.lost[name];
  }
  return counts;
}

/** Reads which containers lost what. */
export function readContainerLosses(libbpf: Libbpf, lossesFd: number): ContainerLossRow[] {
  const rows: ContainerLossRow[] = [];
  const value = Buffer.alloc(containerLossBytes);
  let previous: Buffer | null = null;
  // A walk over a table that changes may begin anew; it ends for all that.
  for (let step = 0; step < maxContainerLosses; step++) {
    const key = Buffer.alloc(lossKeyBytes);
    if (libbpf.nextKey(lossesFd, previous, key) !== 0) break;
    previous = key;
    if (libbpf.lookupElement(lossesFd, key, value) !== 0) continue;
    const { containerKey, type, reason } = readLossKey(viewOf(key), 0);
    const { count, sinceKtimeNs, lastKtimeNs } = readContainerLoss(viewOf(value), 0);
    const reasonName = reasonNames.find(([number]) => number === reason)?.[1];
    const typeName = recordTypeNames.get(type);
    if (reasonName === undefined || typeName === undefined) continue;
    rows.push({ containerKey, type: typeName, reason: reasonName, count, sinceKtimeNs, lastKtimeNs });
  }
  return rows;
}

/** Forgets what a container lost, once it is gone. */
export function forgetContainerLosses(libbpf: Libbpf, lossesFd: number, containerKey: bigint): void {
  for (const type of recordTypeNames.keys())
    for (const [reason] of reasonNames) {
      const key = Buffer.alloc(lossKeyBytes);
      key.writeBigUInt64LE(containerKey, 0);
      key.writeUInt32LE(type, 8);
      key.writeUInt32LE(reason, 12);
      libbpf.deleteElement(lossesFd, key);
    }
}

/** Twice the size of the table. */
const maxContainerLosses = 16_384;

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
