/**
 * How fast one core drains the ring buffer, and what a record costs: read in place only, and decoded into an event. The
 * records are written by a BPF program of the benchmark's own (BPF_PROG_TEST_RUN) into a ring like the sensor's, so that the
 * reader, not the load, is the limit. Usage: make bench NAME=sensor
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import koffi from 'koffi';
import { decodeRecord } from '../agent/decode/decode.ts';
import { loadLibbpf } from '../agent/sensor/libbpf.ts';
import { RingReader } from '../agent/sensor/ring-reader.ts';
import { printTable } from './lib/table.ts';

const ringBytes = 64 * 1024 * 1024;
const rounds = 9;
const recordBytes = 304;

interface Run {
  records: number;
  wallMs: number;
  cpuMs: number;
}

const libbpf = loadLibbpf();
const library = koffi.load('libbpf.so.1');
const testRun = library.func('int bpf_prog_test_run_opts(int fd, void *options)');
const programFd = library.func('int bpf_program__fd(const void *program)');

function compileFiller(): string {
  mkdirSync('.build', { recursive: true });
  const target = process.arch === 'arm64' ? ['-D__TARGET_ARCH_arm64', 'aarch64'] : ['-D__TARGET_ARCH_x86', 'x86_64'];
  const include = `/usr/include/${target[1]}-linux-gnu`;
  const flags = ['-O2', '-g', '-target', 'bpf', target[0] ?? '', '-I', 'agent/bpf', '-idirafter', include];
  execFileSync('clang', [...flags, '-c', 'bench/programs/fill.bpf.c', '-o', '.build/fill.bpf.o']);
  return '.build/fill.bpf.o';
}

/** Runs the filling program until it reports a full ring. */
function fillRing(fd: number): void {
  const optionsBytes = 88;
  const retvalOffset = 56;
  const options = Buffer.alloc(optionsBytes);
  for (;;) {
    options.fill(0);
    options.writeBigUInt64LE(BigInt(optionsBytes));
    if (testRun(fd, options) !== 0) throw new Error(`BPF_PROG_TEST_RUN failed: errno ${libbpf.errno()}`);
    if (options.readUInt32LE(retvalOffset) < 4096) return;
  }
}

function measure(ring: RingReader, fd: number, onRecord: (view: DataView, at: number, bytes: number) => void): Run {
  fillRing(fd);
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  const records = ring.drain(onRecord, Number.MAX_SAFE_INTEGER);
  const wallMs = performance.now() - wallBefore;
  const cpu = process.cpuUsage(cpuBefore);
  return { records, wallMs, cpuMs: (cpu.user + cpu.system) / 1000 };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const object = libbpf.open(compileFiller(), null);
libbpf.setMaxEntries(libbpf.findMap(object, 'records'), ringBytes);
if (libbpf.load(object) !== 0) throw new Error(libbpf.takeMessages().join('\n'));
const ring = new RingReader(libbpf.mapFd(libbpf.findMap(object, 'records')), ringBytes);
const fd = programFd(libbpf.findProgram(object, 'fill')) as number;

/** Keeps the compiler from dropping the reads. */
let checksum = 0;
const ways = {
  'read in place': (view: DataView, at: number) => {
    checksum ^= view.getUint32(at + 40, true);
  },
  decoded: (view: DataView, at: number, bytes: number) => {
    checksum ^= decodeRecord(view, at, bytes).kind.length;
  },
};
const results = new Map<string, Run[]>(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round < rounds; round++)
  for (const [name, onRecord] of Object.entries(ways)) results.get(name)?.push(measure(ring, fd, onRecord));
ring.close();
libbpf.close(object);
if (Number.isNaN(checksum)) throw new Error('nothing was read');

const rows = [...results].map(([name, runs]) => {
  // The first round compiles.
  const warm = runs.slice(1);
  return {
    name,
    recordsPerSecond: Math.round(median(warm.map((run) => (run.records / run.wallMs) * 1000))),
    cpuMicrosPerRecord: median(warm.map((run) => (run.cpuMs * 1000) / run.records)),
    records: runs[0]?.records ?? 0,
  };
});
printTable(
  ['way', 'records/s', 'CPU µs/record', 'records a round'],
  rows.map((row) => [
    row.name,
    row.recordsPerSecond.toLocaleString('en'),
    row.cpuMicrosPerRecord.toFixed(3),
    String(row.records),
  ]),
);
const [inPlace, decoded] = rows;
console.log(
  JSON.stringify({
    bench: 'sensor',
    ratios: {
      decodedToInPlace: Number(((decoded?.recordsPerSecond ?? 0) / (inPlace?.recordsPerSecond ?? 1)).toFixed(3)),
    },
    recordBytes,
    drainRecordsPerSecond: inPlace?.recordsPerSecond,
    decodeRecordsPerSecond: decoded?.recordsPerSecond,
    drainCpuMicrosPerRecord: Number(inPlace?.cpuMicrosPerRecord.toFixed(3)),
    decodeCpuMicrosPerRecord: Number(decoded?.cpuMicrosPerRecord.toFixed(3)),
  }),
);
