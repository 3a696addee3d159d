import { recordTypeNames } from '../decode/decode.ts';
import { LossReason, ledgerEntryBytes, readLedgerEntry } from '../decode/layout.generated.ts';
import type { Libbpf } from './libbpf.ts';

export type LossReasonName = 'ring-full' | 'table-full' | 'oversize';

const reasonNames: readonly (readonly [number, LossReasonName])[] = [
  [LossReason.LOSS_RING_FULL, 'ring-full'],
  [LossReason.LOSS_TABLE_FULL, 'table-full'],
  [LossReason.LOSS_OVERSIZE, 'oversize'],
];

/** What the kernel says it sent and lost of one record type, over all CPUs, since the programs were loaded. */
export interface LedgerRow {
  type: string;
  sent: bigint;
  lost: Record<LossReasonName, bigint>;
}

/** Reads the kernel's side of the ledger: for every record type, sent plus lost is what should have been sent. */
export function readLedger(libbpf: Libbpf, ledgerFd: number, cpuCount: number): LedgerRow[] {
  const key = Buffer.alloc(4);
  const values = Buffer.alloc(ledgerEntryBytes * cpuCount);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const rows: LedgerRow[] = [];
  for (const [number, type] of recordTypeNames) {
    key.writeUInt32LE(number);
    if (libbpf.lookupElement(ledgerFd, key, values) !== 0) continue;
    const row: LedgerRow = { type, sent: 0n, lost: { 'ring-full': 0n, 'table-full': 0n, oversize: 0n } };
    for (let cpu = 0; cpu < cpuCount; cpu++) {
      const entry = readLedgerEntry(view, cpu * ledgerEntryBytes);
      row.sent += entry.sent;
      for (const [index, name] of reasonNames) row.lost[name] += entry.lost[index] ?? 0n;
    }
    rows.push(row);
  }
  return rows;
}
