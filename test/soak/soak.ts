/**
 * Hours in the life of a node, in minutes: 200 containers a minute, storms of executions, forks and connections, watched by
 * the real `tallyman up`. Fails when records are unaccounted for, when memory grows, or when anything stays behind.
 * Usage: node test/soak/soak.ts [MINUTES]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { buildTestImage } from '../support/docker.ts';
import { startTallyman } from '../support/tallyman.ts';
import {
  growth,
  imbalance,
  median,
  processesNaming,
  readMetrics,
  residentBytes,
  type Samples,
  sum,
} from './measure.ts';
import { churn, type Load, leftContainers, storms } from './storms.ts';

const minutes = Number(process.argv[2] ?? 30);
if (!(minutes > 0)) throw new Error(`MINUTES must be a positive number, not ${process.argv[2]}`);
const containersPerMinute = 200;
const sampleMs = 5_000;
/** Beyond this the memory of a run is not flat: caches that fill, and the collector of garbage, move it by less. */
const maxGrowth = 0.15;

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

await buildTestImage();
const tallyman = await startTallyman([]);
const load: Load = { containers: 0, executions: 0, connections: 0, failures: [] };
const memory: number[] = [];
const problems: string[] = [];
try {
  const stopping = new AbortController();
  const work = Promise.all([churn(load, containersPerMinute, stopping.signal), storms(load, stopping.signal)]);
  const endMs = performance.now() + minutes * 60_000;
  while (performance.now() < endMs) {
    await sleep(sampleMs);
    memory.push(residentBytes(tallyman.pid));
    if (memory.length % 12 === 0) console.log(`${load.containers} containers, ${mebibytes(memory.at(-1) ?? 0)}`);
  }
  stopping.abort();
  await work;
  // Losses are told as over, and counters published, some seconds after the last one.
  await sleep(12_000);
  await judge();
} finally {
  const code = await tallyman.stop();
  if (code !== 0) problems.push(`tallyman ended with ${code}`);
}
const behind = processesNaming(tallyman.dataDir);
if (behind.length > 0) problems.push(`processes stay: ${behind.join(', ')}`);
const left = await leftContainers();
if (left > 0) problems.push(`${left} containers stay`);
for (const problem of problems) console.error(`FAIL  ${problem}`);
console.log(problems.length === 0 ? 'soak: nothing to complain of' : `soak: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function judge(): Promise<void> {
  const samples = await settledMetrics();
  const agent = (name: string): number => sum(samples, `tallyman_agent_${name}`);
  const grown = growth(memory);
  const told = toldLosses(samples);
  const lost = agent('losses_total');
  const rows: [string, string | number][] = [
    ['minutes', minutes],
    ['containers', load.containers],
    ['executions and forks in storms', load.executions],
    ['connections in storms', load.connections],
    ['records sent', agent('records_sent_total')],
    ['records received', agent('records_received_total')],
    ['records lost', agent('records_lost_total')],
    ['records unaccounted for', agent('records_unaccounted_total')],
    ['losses, of all kinds', lost],
    ['of these told to the collector', told],
    ['memory, median', mebibytes(median(memory))],
    ['memory, highest', mebibytes(Math.max(...memory))],
    ['memory, growth', `${(grown * 100).toFixed(1)} %`],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(32)} ${value}`);
  for (const name of ['records_lost_total', 'losses_total'])
    for (const [labels, value] of samples.get(`tallyman_agent_${name}`) ?? [])
      if (value > 0) console.log(`  ${name} {${labels}} ${value}`);
  if (agent('records_unaccounted_total') > 0) problems.push('records are unaccounted for');
  problems.push(...imbalance(samples));
  if (told !== lost) problems.push(`${lost} losses, ${told} of them told`);
  if (grown > maxGrowth) problems.push(`memory grew by ${(grown * 100).toFixed(1)} %`);
  if (load.containers < (minutes * containersPerMinute) / 4) problems.push('the machine started too few containers');
  problems.push(...load.failures.slice(0, 5));
}

/** What is sent is published every two seconds, what is received at once: other containers may run beside. */
async function settledMetrics(): Promise<Samples> {
  let samples = await readMetrics(tallyman.api);
  for (let tries = 0; tries < 40 && imbalance(samples).length > 0; tries++) {
    await sleep(250);
    samples = await readMetrics(tallyman.api);
  }
  return samples;
}

/** What the agent has told the collector to be missing. */
function toldLosses(samples: Samples): number {
  const byOthers = /hop="(uplink-queue|ingest|publish)"/;
  const told = [...(samples.get('tallyman_collector_gaps_lost_total') ?? [])];
  return told.filter(([labels]) => !byOthers.test(labels)).reduce((total, [, value]) => total + value, 0);
}
