/**
 * What one sample of the tasks of containers costs, by how many processes run in them: reading it from the kernel, and all
 * of it (read, compare, heal) in CPU time of this process; and for how long it keeps the event loop from other work. The
 * agent's stages are the real ones. Usage: make bench NAME=sample [ARGS="--seconds 5"]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildTestImage, docker, runContainer } from '../test/support/docker.ts';
import { WatchedNode } from '../test/support/watched-node.ts';
import { printTable } from './lib/table.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } });
const measureMs = Number(values.seconds) * 1000;
const image = 'tallyman-bench-sample:latest';
const processCounts = [80, 1_000, 10_000];
const intervalMs = 100;
const readRounds = 50;

interface Result {
  processes: number;
  tasks: number;
  seedMs: number;
  readMicros: number;
  cpuMicrosPerSample: number;
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** From the call to the last byte, the thread that reads included. */
async function readMicros(node: WatchedNode): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < readRounds; round++) {
    const began = performance.now();
    await node.sensor.sample();
    times.push((performance.now() - began) * 1000);
  }
  return median(times);
}

/** CPU microseconds of this process while it waits, and how late its event loop was. */
async function cpuMicrosWhile(waitMs: number): Promise<{ micros: number; delay: { p99Ms: number; maxMs: number } }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.cpuUsage();
  delay.enable();
  await sleep(waitMs);
  delay.disable();
  const { user, system } = process.cpuUsage(before);
  return { micros: user + system, delay: { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 } };
}

async function measure(processes: number): Promise<Result> {
  const container = await runContainer({ image, command: ['/bin/shifter', 'fork', String(processes - 1)] });
  const node = new WatchedNode({ intervalMs });
  try {
    while (!(await container.logs()).includes('done')) await sleep(100);
    const began = performance.now();
    await node.start({ sampling: false });
    const seedMs = performance.now() - began;
    const tasks = (await node.tasks()).length;
    const read = await readMicros(node);
    const idle = await cpuMicrosWhile(measureMs);
    node.integrity.start();
    // The first of them compile.
    await sleep(1000);
    const samplesBefore = await node.counter('samples_total{result="ok"}');
    const sampling = await cpuMicrosWhile(measureMs);
    const samples = (await node.counter('samples_total{result="ok"}')) - samplesBefore;
    return {
      ...{ processes, tasks, seedMs, readMicros: read },
      cpuMicrosPerSample: (sampling.micros - idle.micros) / samples,
      loopDelayP99Ms: sampling.delay.p99Ms,
      loopDelayMaxMs: sampling.delay.maxMs,
    };
  } finally {
    await node.close();
    await container.remove();
  }
}

await buildTestImage(image);
const results: Result[] = [];
try {
  for (const processes of processCounts) results.push(await measure(processes));
} finally {
  await docker.getImage(image).remove();
}
printTable(
  ['processes', 'tasks', 'seeding ms', 'read µs', 'CPU µs/sample', '% of a core at 1/s', 'loop delay p99 ms', 'max ms'],
  results.map((result) => [
    result.processes.toLocaleString('en'),
    result.tasks.toLocaleString('en'),
    result.seedMs.toFixed(0),
    result.readMicros.toFixed(0),
    result.cpuMicrosPerSample.toFixed(0),
    (result.cpuMicrosPerSample / 10_000).toFixed(2),
    result.loopDelayP99Ms.toFixed(2),
    result.loopDelayMaxMs.toFixed(2),
  ]),
);
const [least, , most] = results;
const perProcess = (result: Result | undefined): number =>
  (result?.cpuMicrosPerSample ?? Number.NaN) / (result?.tasks ?? Number.NaN);
console.log(
  JSON.stringify({
    bench: 'sample',
    ratios: { cpuPerProcessMostToLeast: Number((perProcess(most) / perProcess(least)).toFixed(3)) },
    results: results.map((result) => ({
      ...{ processes: result.processes, tasks: result.tasks, seedMs: Math.round(result.seedMs) },
      ...{ readMicros: Math.round(result.readMicros), cpuMicrosPerSample: Math.round(result.cpuMicrosPerSample) },
      loopDelayMaxMs: Number(result.loopDelayMaxMs.toFixed(2)),
    })),
  }),
);
