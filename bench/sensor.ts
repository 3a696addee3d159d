/**
 * The agent's way from the kernel to an event in hand, on one core: how fast the ring buffer is drained, how many records a
 * second are decoded, attributed and put through the process tree, and how long a record takes from the kernel's time stamp
 * to the event. Usage: make bench NAME=sensor
 */
import { createAttributor } from '../agent/container/attributor.ts';
import { decodeRecord } from '../agent/decode/decode.ts';
import type { KernelEvent } from '../agent/decode/kernel-event.ts';
import { createProcessTree } from '../agent/process/process-tree.ts';
import { Clock, readClockNs } from '../agent/sensor/libc.ts';
import { Sensor } from '../agent/sensor/sensor.ts';
import { silentLogger } from '../common/logger.ts';
import { Metrics } from '../common/metrics.ts';
import { buildTestImage, runContainer } from '../test/support/docker.ts';
import { bpfObject, cgroupRoot } from '../test/support/sensor-session.ts';
import { openFilledRing } from './lib/filled-ring.ts';
import { knownContainers } from './lib/known-containers.ts';
import { type Recording, recordContainers, shiftTimes } from './lib/recorded.ts';
import { printTable } from './lib/table.ts';

const rounds = 9;
const loadMs = 2000;

interface Run {
  records: number;
  wallMs: number;
  cpuMs: number;
}

function timed(work: () => number): Run {
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  const records = work();
  const wallMs = performance.now() - wallBefore;
  const cpu = process.cpuUsage(cpuBefore);
  return { records, wallMs, cpuMs: (cpu.user + cpu.system) / 1000 };
}

/** Of sorted numbers. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** Records of a BPF program that does nothing else, so that the reader, not the load, is the limit. */
function drainRuns(): { inPlace: Run[]; decoded: Run[] } {
  const { ring, fill, close } = openFilledRing();
  /** Keeps the compiler from dropping the reads. */
  let checksum = 0;
  const readInPlace = (view: DataView, at: number): void => {
    checksum ^= view.getUint32(at + 40, true);
  };
  const decode = (view: DataView, at: number, bytes: number): void => {
    checksum ^= decodeRecord(view, at, bytes).kind.length;
  };
  const runs = { inPlace: [] as Run[], decoded: [] as Run[] };
  for (let round = 0; round < rounds; round++) {
    fill();
    runs.inPlace.push(timed(() => ring.drain(readInPlace, Number.MAX_SAFE_INTEGER)));
    fill();
    runs.decoded.push(timed(() => ring.drain(decode, Number.MAX_SAFE_INTEGER)));
  }
  close();
  if (Number.isNaN(checksum)) throw new Error('nothing was read');
  return runs;
}

/** Real records of storms in containers, decoded, attributed and put through the tree; each round is other processes. */
async function throughTree(recording: Recording): Promise<Run[]> {
  const metrics = new Metrics('agent');
  const { directory, close } = await knownContainers(recording.cgroupIds, metrics);
  const tree = createProcessTree({
    ...{ bootId: '01234567', logger: silentLogger, metrics, maxProcesses: 65_536, procRoot: '/proc' },
  });
  let attributed = 0;
  const attributor = createAttributor({
    ...{ directory, tree, logger: silentLogger, metrics },
    emit: () => attributed++,
  });
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    runs.push(
      timed(() => {
        for (const [index, start] of recording.starts.entries()) {
          const end = recording.starts[index + 1] ?? recording.bytes.length;
          attributor.onEvent(decodeRecord(recording.view, start, end - start));
        }
        return recording.starts.length;
      }),
    );
    shiftTimes(recording, recording.spanNs);
  }
  attributor.close();
  await close();
  if (attributed === 0) throw new Error('no event was attributed');
  return runs;
}

/** Microseconds from the kernel's time stamp to the event, sorted; the reader sleeps and drains as in the agent. */
async function latencies(command: string[]): Promise<number[]> {
  const found: number[] = [];
  const sensor = new Sensor({
    ...{ objectPath: bpfObject, procRoot: '/proc', cgroupRoot: cgroupRoot(), ringBytes: 8 * 1024 * 1024 },
    onEvent: (event: KernelEvent) => void found.push(Number(readClockNs(Clock.boottime) - event.ktimeNs) / 1000),
    ...{ logger: silentLogger, metrics: new Metrics('agent') },
  });
  sensor.start();
  try {
    const container = await runContainer({ command });
    await container.wait();
    await container.remove();
  } finally {
    sensor.close();
  }
  return found.toSorted((a, b) => a - b);
}

function perSecond(runs: readonly Run[]): number {
  // The first round compiles.
  return Math.round(median(runs.slice(1).map((run) => (run.records / run.wallMs) * 1000)));
}

function cpuMicros(runs: readonly Run[]): number {
  return Number(median(runs.slice(1).map((run) => (run.cpuMs * 1000) / run.records)).toFixed(3));
}

await buildTestImage();
const { inPlace, decoded } = drainRuns();
const storms = [
  ['/bin/actor', 'execs', String(loadMs), '/bin/true'],
  ['/bin/actor', 'loop', 'connect', String(loadMs), '7070'],
  [
    '/bin/sh',
    '-c',
    'for i in 1 2 3 4 5 6 7 8; do ls /bin | cat >/dev/null; chown 1:1 /tmp; cp /bin/busybox /tmp/$i; done',
  ],
];
const tree = await throughTree(await recordContainers(storms));
const busy = await latencies(storms[0] ?? []);
const quiet = await latencies([
  '/bin/sh',
  '-c',
  'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.1; done',
]);

const rows = Object.entries({ 'read in place': inPlace, decoded, 'decoded, attributed, in the tree': tree });
printTable(
  ['way', 'records/s', 'CPU µs/record', 'records a round'],
  rows.map(([name, runs]) => [
    name,
    perSecond(runs).toLocaleString('en'),
    cpuMicros(runs).toFixed(3),
    String(runs[0]?.records ?? 0),
  ]),
);
console.log('');
printTable(
  ['time stamp → event', 'p50 µs', 'p99 µs', 'events'],
  Object.entries({ 'exec storm': busy, 'ten programs a second': quiet }).map(([name, found]) => [
    name,
    quantile(found, 0.5).toFixed(0),
    quantile(found, 0.99).toFixed(0),
    String(found.length),
  ]),
);
console.log(
  JSON.stringify({
    bench: 'sensor',
    ratios: {
      decodedToInPlace: Number((perSecond(decoded) / perSecond(inPlace)).toFixed(3)),
      // 1 and more: as fast as wanted.
      drainOfGoal: Number((perSecond(inPlace) / 1_500_000).toFixed(2)),
      treeOfGoal: Number((perSecond(tree) / 250_000).toFixed(2)),
    },
    drainRecordsPerSecond: perSecond(inPlace),
    decodeRecordsPerSecond: perSecond(decoded),
    treeRecordsPerSecond: perSecond(tree),
    latencyMicros: {
      execStorm: { p50: Math.round(quantile(busy, 0.5)), p99: Math.round(quantile(busy, 0.99)) },
      quiet: { p50: Math.round(quantile(quiet, 0.5)), p99: Math.round(quantile(quiet, 0.99)) },
    },
  }),
);
