/**
 * What the agent costs the programs it watches: five loads in a container, with the agent on and off, in turns. The agent is
 * the real one, a process of its own that reports to a collector in another process, and has seen each load once before it
 * is measured: what it costs to compile is not what it costs to run. Ratios are throughput with the agent divided by
 * throughput without it: 1 is free. "Empty" is the throughput with programs that do nothing at the places where the agent's
 * are attached: the part of the cost that is the kernel's. Usage: make bench NAME=overhead [ARGS="--rounds 5 --seconds 4"]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTestImage, runContainer } from '../test/support/docker.ts';
import { freePort } from '../test/support/free-port.ts';
import { attachEmptyPrograms } from './lib/empty-programs.ts';
import { printTable } from './lib/table.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '4' } },
});
const settleMs = 3000;
const rounds = Number(values.rounds);
const loadMs = Number(values.seconds) * 1000;

const loads: Record<string, string[]> = {
  getppid: ['/bin/actor', 'loop', 'getppid', String(loadMs)],
  file: ['/bin/actor', 'loop', 'file', String(loadMs)],
  exec: ['/bin/actor', 'execs', String(loadMs), '/bin/true'],
  connect: ['/bin/actor', 'loop', 'connect', String(loadMs), '7070'],
  udp: ['/bin/network', 'storm', String(loadMs), '7071'],
};

interface Sample {
  perSecond: number;
  agentCpuSeconds: number;
  agentRssMb: number;
}

async function startTallyman(command: string, args: string[], readyUrl: string): Promise<ChildProcess> {
  const child = spawn('./tallyman', [command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`tallyman ${command} ended with ${child.exitCode}`);
    const ready = await fetch(readyUrl).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return child;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  throw new Error(`tallyman ${command} was not ready within 20 s`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** User and system time of a process, in seconds. The launcher has become node by exec, so the pid is the agent's. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function sample(name: string, agent: ChildProcess | undefined): Promise<Sample> {
  const pid = agent?.pid;
  const before = pid === undefined ? 0 : cpuSeconds(pid);
  const container = await runContainer({ command: loads[name] ?? [] });
  try {
    const code = await container.wait();
    const count = Number((await container.logs()).trim());
    if (code !== 0 || !(count > 0)) throw new Error(`load ${name} failed: ${await container.logs()}`);
    return {
      perSecond: (count / loadMs) * 1000,
      agentCpuSeconds: pid === undefined ? 0 : cpuSeconds(pid) - before,
      agentRssMb: pid === undefined ? 0 : rssMb(pid),
    };
  } finally {
    await container.remove();
  }
}

async function recordsLost(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('tallyman_agent_records_lost_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function spread(numbers: readonly number[]): string {
  const middle = median(numbers);
  return `${(((Math.max(...numbers) - Math.min(...numbers)) / middle / 2) * 100).toFixed(1)} %`;
}

await buildTestImage();
const dataDir = mkdtempSync(join(tmpdir(), 'tallyman-bench-'));
const [uplinkPort, collectorPort, agentPort] = await Promise.all([freePort(), freePort(), freePort()]);
const collector = await startTallyman(
  'collector',
  ['--data-dir', dataDir, '--listen', `127.0.0.1:${uplinkPort}`, '--http', `127.0.0.1:${collectorPort}`],
  `http://127.0.0.1:${collectorPort}/readyz`,
);
const off = new Map<string, Sample[]>(Object.keys(loads).map((name) => [name, []]));
const empty = new Map<string, Sample[]>(Object.keys(loads).map((name) => [name, []]));
const on = new Map<string, Sample[]>(Object.keys(loads).map((name) => [name, []]));
let lost = 0;
try {
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(loads)) off.get(name)?.push(await sample(name, undefined));
    const detach = attachEmptyPrograms();
    for (const name of Object.keys(loads)) empty.get(name)?.push(await sample(name, undefined));
    detach();
    const agent = await startTallyman(
      'agent',
      ['--collector', `127.0.0.1:${uplinkPort}`, '--http', `127.0.0.1:${agentPort}`],
      `http://127.0.0.1:${agentPort}/readyz`,
    );
    for (const name of Object.keys(loads)) await sample(name, agent);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    for (const name of Object.keys(loads)) on.get(name)?.push(await sample(name, agent));
    lost += await recordsLost(`http://127.0.0.1:${agentPort}/metrics`);
    await stop(agent);
    console.error(`round ${round + 1} of ${rounds}`);
  }
} finally {
  await stop(collector);
  rmSync(dataDir, { recursive: true, force: true });
}

const summary = Object.keys(loads).map((name) => {
  const without = (off.get(name) ?? []).map((each) => each.perSecond);
  const withEmpty = (empty.get(name) ?? []).map((each) => each.perSecond);
  const withAgent = (on.get(name) ?? []).map((each) => each.perSecond);
  const cpu = median((on.get(name) ?? []).map((each) => each.agentCpuSeconds)) / (loadMs / 1000);
  const [ratio, emptyRatio] = [withAgent, withEmpty].map((each) => median(each) / median(without));
  return { name, without, withAgent, ratio: ratio ?? 0, emptyRatio: emptyRatio ?? 0, cpuOfOneCore: cpu };
});
printTable(
  ['load', 'off /s', 'spread', 'on /s', 'spread', 'on ÷ off', 'empty ÷ off', 'agent CPU of one core'],
  summary.map((row) => [
    row.name,
    Math.round(median(row.without)).toLocaleString('en'),
    spread(row.without),
    Math.round(median(row.withAgent)).toLocaleString('en'),
    spread(row.withAgent),
    row.ratio.toFixed(3),
    row.emptyRatio.toFixed(3),
    `${(row.cpuOfOneCore * 100).toFixed(1)} %`,
  ]),
);
console.log(
  JSON.stringify({
    bench: 'overhead',
    ratios: Object.fromEntries(summary.map((row) => [row.name, Number(row.ratio.toFixed(4))])),
    emptyRatios: Object.fromEntries(summary.map((row) => [row.name, Number(row.emptyRatio.toFixed(4))])),
    rounds,
    loadSeconds: loadMs / 1000,
    agentCpuOfOneCore: Object.fromEntries(summary.map((row) => [row.name, Number(row.cpuOfOneCore.toFixed(4))])),
    agentRssMb: Math.round(Math.max(...[...on.values()].flat().map((each) => each.agentRssMb))),
    recordsLost: lost,
  }),
);
