import type { TaskEventBase } from './kernel-event.ts';
import { recordHeaderOffsets as offsets } from './layout.generated.ts';
import { RegionMemo } from './region-memo.ts';
import { decodeCString } from './text.ts';

/** TASK_COMM_LEN, since 2.0 */
const commBytes = 16;

const comms = new RegionMemo(1024, (view, at, length) =>
  decodeCString(new Uint8Array(view.buffer, view.byteOffset + at, length)),
);

/** The name a task gives itself, from the record header at `at`. */
export function decodeComm(view: DataView, at: number): string {
  return comms.get(view, at + offsets.comm, commBytes);
}

/** What the record header at `at` says of the acting task. */
export function decodeTask(view: DataView, at: number): TaskEventBase {
  return {
    ktimeNs: view.getBigUint64(at + offsets.ktimeNs, true),
    cgroupId: view.getBigUint64(at + offsets.cgroupId, true),
    pid: view.getUint32(at + offsets.pid, true),
    tid: view.getUint32(at + offsets.tid, true),
    startKtimeNs: view.getBigUint64(at + offsets.startKtimeNs, true),
    comm: decodeComm(view, at),
  };
}
