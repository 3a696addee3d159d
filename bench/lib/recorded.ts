import { statSync } from 'node:fs';
import { layouts, RecordType } from '../../agent/decode/layout.generated.ts';
import type { StructLayout } from '../../agent/decode/layout.ts';
import { readObjectBtf } from '../../agent/sensor/bpf-object.ts';
import { loadLibbpf } from '../../agent/sensor/libbpf.ts';
import { loadSensor } from '../../agent/sensor/loader.ts';
import { RingReader } from '../../agent/sensor/ring-reader.ts';
import { runContainer } from '../../test/support/docker.ts';
import { bpfObject, cgroupRoot } from '../../test/support/sensor-session.ts';

const ringBytes = 64 * 1024 * 1024;

/** Records as the kernel wrote them, one behind the other, and where each begins. */
export interface Recording {
  bytes: Uint8Array;
  view: DataView;
  starts: number[];
  /** Cgroups that the records name. */
  cgroupIds: bigint[];
  spanNs: bigint;
}

/** Runs containers one after the other and keeps the bytes of all records that the sensor's programs write meanwhile. */
export async function recordContainers(commands: readonly string[][]): Promise<Recording> {
  const libbpf = loadLibbpf();
  const mountNs = statSync('/proc/2/ns/mnt', { bigint: true }).ino;
  const loaded = loadSensor(libbpf, {
    ...{ objectPath: bpfObject, btf: readObjectBtf(bpfObject), cgroupRoot: cgroupRoot(), ringBytes },
    constants: [{ name: 'host_mount_ns', bytes: 4, value: mountNs }],
  });
  const ring = new RingReader(loaded.mapFd('records'), ringBytes);
  const records: Uint8Array[] = [];
  const copy = (view: DataView, at: number, length: number): void => {
    records.push(new Uint8Array(view.buffer, view.byteOffset + at, length).slice());
  };
  try {
    loaded.attach();
    for (const command of commands) {
      const container = await runContainer({ command });
      const timer = setInterval(() => ring.drain(copy, Number.MAX_SAFE_INTEGER), 20);
      const code = await container.wait();
      clearInterval(timer);
      await container.remove();
      if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
    }
    ring.drain(copy, Number.MAX_SAFE_INTEGER);
  } finally {
    ring.close();
    loaded.close();
  }
  return joined(records);
}

/** Moves all times of a recording by `ns`, so that its processes are others than in the round before. */
export function shiftTimes({ view, starts }: Recording, ns: bigint): void {
  for (const start of starts)
    for (const offset of timeOffsets.get(view.getUint32(start, true)) ?? [])
      view.setBigUint64(start + offset, view.getBigUint64(start + offset, true) + ns, true);
}

function joined(records: readonly Uint8Array[]): Recording {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0));
  const view = new DataView(bytes.buffer);
  const starts: number[] = [];
  const cgroups = new Set<bigint>();
  let at = 0;
  for (const record of records) {
    bytes.set(record, at);
    starts.push(at);
    cgroups.add(view.getBigUint64(at + headerOffset('cgroup_id'), true));
    at += record.length;
  }
  const time = (start: number | undefined): bigint => view.getBigUint64((start ?? 0) + headerOffset('ktime_ns'), true);
  return { bytes, view, starts, cgroupIds: [...cgroups], spanNs: time(starts.at(-1)) - time(starts[0]) + 1_000_000n };
}

function layoutOf(name: string): StructLayout {
  const layout = layouts.find((each) => each.name === name);
  if (layout === undefined) throw new Error(`there is no struct ${name}`);
  return layout;
}

function headerOffset(name: string): number {
  const field = layoutOf('record_header').fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`the record header has no field ${name}`);
  return field.offset;
}

/** Offsets of the fields that hold a kernel time, by record type. */
const timeOffsets = new Map(
  Object.entries(RecordType).map(([name, type]): [number, number[]] => {
    const struct = `${name.slice('RECORD_'.length).toLowerCase()}_record`;
    const layout = layouts.find((each) => each.name === struct) ?? layoutOf('record_header');
    return [type, layout === layoutOf('record_header') ? [headerOffset('ktime_ns')] : timesIn(layout)];
  }),
);

function timesIn(layout: StructLayout): number[] {
  return layout.fields.flatMap((field) => {
    if (field.type === 'u64' && field.name.endsWith('ktime_ns')) return [field.offset];
    if (field.type !== 'struct') return [];
    return timesIn(layoutOf(field.struct ?? '')).map((offset) => field.offset + offset);
  });
}
