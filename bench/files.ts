/**
 * What watching files costs, on and off in turns, in a container: reading a file elsewhere, an unwatched file in a watched
 * directory, and a watched one; creating and deleting files in /tmp, 10 000 a second and as fast as possible. Ratios are
 * throughput with the watch divided by throughput without it: 1 is free. CPU is that of sensor and watch in this process.
 * Usage: make bench NAME=files [ARGS="--rounds 5 --seconds 3"]
 */
import { parseArgs } from 'node:util';
import { runContainer } from '../test/support/docker.ts';
import { buildFilesImage, FilesLab, filesImage, removeFilesImage } from '../test/support/files-lab.ts';
import { printTable } from './lib/table.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const loadMs = Number(values.seconds) * 1000;

const loads: Record<string, string[]> = {
  'read elsewhere': ['reads', String(loadMs), '/usr/share/doc/readme'],
  'read beside': ['reads', String(loadMs), '/etc/hosts.allow'],
  'read watched': ['reads', String(loadMs), '/etc/shadow'],
  'create elsewhere': ['creates', String(loadMs), '/data'],
  'create in /tmp, 10 000/s': ['creates', String(loadMs), '/tmp', '10000'],
  'create in /tmp': ['creates', String(loadMs), '/tmp'],
};

interface Sample {
  perSecond: number;
  cpuOfOneCore: number;
  events: number;
  gaps: number;
}

async function sample(name: string, lab: FilesLab | undefined): Promise<Sample> {
  const command = ['/bin/actor', ...(loads[name] ?? [])];
  const start = { image: filesImage, command: ['sleep', '600'] };
  const container = lab === undefined ? await runContainer(start) : await lab.run(start);
  try {
    const before = { cpu: process.cpuUsage(), events: await eventsOf(lab), gaps: lab?.gaps.length ?? 0 };
    const output = await container.exec(command);
    const { user, system } = process.cpuUsage(before.cpu);
    const count = Number(output.trim());
    if (!(count > 0)) throw new Error(`load "${name}" failed: ${output}`);
    const events = (await eventsOf(lab)) - before.events;
    await container.remove();
    // The gap is told when the container has gone.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const gaps = (lab?.gaps.length ?? 0) - before.gaps;
    return { perSecond: (count / loadMs) * 1000, cpuOfOneCore: (user + system) / 1000 / loadMs, events, gaps };
  } finally {
    await container.remove();
  }
}

async function eventsOf(lab: FilesLab | undefined): Promise<number> {
  const metric = await lab?.metrics.registry.getSingleMetric('tallyman_agent_file_events_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function spread(numbers: readonly number[]): string {
  return `${(((Math.max(...numbers) - Math.min(...numbers)) / median(numbers) / 2) * 100).toFixed(1)} %`;
}

await buildFilesImage();
const off = new Map<string, Sample[]>(Object.keys(loads).map((name) => [name, []]));
const on = new Map<string, Sample[]>(Object.keys(loads).map((name) => [name, []]));
try {
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(loads)) off.get(name)?.push(await sample(name, undefined));
    const lab = await new FilesLab().start();
    try {
      for (const name of Object.keys(loads)) on.get(name)?.push(await sample(name, lab));
    } finally {
      await lab.close();
    }
    console.error(`round ${round + 1} of ${rounds}`);
  }
} finally {
  await removeFilesImage();
}

const summary = Object.keys(loads).map((name) => {
  const rates = (samples: Sample[] | undefined): number[] => (samples ?? []).map((each) => each.perSecond);
  const [without, withWatch] = [rates(off.get(name)), rates(on.get(name))];
  const samples = on.get(name) ?? [];
  return {
    ...{ name, without, withWatch, ratio: median(withWatch) / median(without) },
    cpu:
      median(samples.map((each) => each.cpuOfOneCore)) - median((off.get(name) ?? []).map((each) => each.cpuOfOneCore)),
    eventsPerSecond: (median(samples.map((each) => each.events)) / loadMs) * 1000,
    gaps: median(samples.map((each) => each.gaps)),
  };
});
printTable(
  ['load', 'off /s', 'spread', 'on /s', 'spread', 'on ÷ off', 'CPU of one core', 'events /s', 'gaps'],
  summary.map((row) => [
    row.name,
    Math.round(median(row.without)).toLocaleString('en'),
    spread(row.without),
    Math.round(median(row.withWatch)).toLocaleString('en'),
    spread(row.withWatch),
    row.ratio.toFixed(3),
    `${(row.cpu * 100).toFixed(1)} %`,
    Math.round(row.eventsPerSecond).toLocaleString('en'),
    String(row.gaps),
  ]),
);
console.log(
  JSON.stringify({
    bench: 'files',
    ratios: Object.fromEntries(summary.map((row) => [row.name, Number(row.ratio.toFixed(4))])),
    rounds,
    loadSeconds: loadMs / 1000,
    cpuOfOneCore: Object.fromEntries(summary.map((row) => [row.name, Number(row.cpu.toFixed(4))])),
  }),
);
