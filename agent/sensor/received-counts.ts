import { layouts, RecordType } from '../decode/layout.generated.ts';

function headerOffset(field: string): number {
  const found = layouts.find(({ name }) => name === 'record_header')?.fields.find(({ name }) => name === field);
  if (found === undefined) throw new Error(`record_header has no field ${field}`);
  return found.offset;
}

const cpuOffset = headerOffset('cpu');
const headerBytes = layouts.find(({ name }) => name === 'record_header')?.size ?? 0;

/** Records received, by type and CPU as their headers say. One whose header says neither is counted as none of them. */
export class ReceivedCounts {
  readonly #cpuCount: number;
  readonly #counts: Float64Array;

  constructor(cpuCount: number) {
    this.#cpuCount = cpuCount;
    this.#counts = new Float64Array(RecordType.RECORD_TYPE_MAX * cpuCount);
  }

  note(view: DataView, at: number, availableBytes: number): void {
    if (availableBytes < headerBytes) return;
    const type = view.getUint32(at, true);
    const cpu = view.getUint32(at + cpuOffset, true);
    if (type >= RecordType.RECORD_TYPE_MAX || cpu >= this.#cpuCount) return;
    const index = type * this.#cpuCount + cpu;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  get(typeNumber: number, cpu: number): bigint {
    return BigInt(this.#counts[typeNumber * this.#cpuCount + cpu] ?? 0);
  }
}
