import { createAttributor } from '../agent/container/attributor.ts';
import type { KernelEvent } from '../agent/decode/kernel-event.ts';
import { createProcessTree } from '../agent/process/process-tree.ts';
import { silentLogger } from '../common/logger.ts';
import { Metrics } from '../common/metrics.ts';
import { capabilityOf, connectOf, execOf, exitOf, forkOf, type TestProcess } from '../test/support/kernel-events.ts';
import { knownContainers } from './lib/known-containers.ts';

/**
 * Process tree and attribution on one core: containers in which shells start short-lived processes that act. Events are
 * made beforehand, a fraction at a time, and making them is not measured.
 */
const containerCount = 100;
const processesPerRound = 20_000;
const rounds = 30;

const metrics = new Metrics('agent');
const cgroupIds = Array.from({ length: containerCount }, (_, i) => cgroupId(i));
const { directory, close } = await knownContainers(cgroupIds, metrics);

const outcomes = { complete: 0, late: 0, partial: 0 };
let ended = 0;
const tree = createProcessTree({
  ...{ bootId: '01234567', logger: silentLogger, metrics, maxProcesses: 65_536, procRoot: '/proc' },
});
const attributor = createAttributor({
  ...{ directory, tree, logger: silentLogger, metrics },
  emit: (event) => outcomes[event.attribution]++,
  onExecutionEnded: () => ended++,
});

const shells = Array.from({ length: containerCount }, (_, i) => shellOf(i));
let ktimeNs = 1_000_000_000n;
for (const shell of shells) attributor.onEvent(execOf(shell, ktimeNs, '/bin/sh'));

let eventCount = 0;
let spentMs = 0;
const rates: number[] = [];
for (let round = 0; round < rounds; round++) {
  const events = makeEvents();
  const startedMs = performance.now();
  for (const event of events) attributor.onEvent(event);
  const roundMs = performance.now() - startedMs;
  eventCount += events.length;
  spentMs += roundMs;
  rates.push(events.length / roundMs);
}
attributor.close();
await close();

if (outcomes.partial + outcomes.late > 0) throw new Error(`attribution was not complete: ${JSON.stringify(outcomes)}`);
const eventsPerSecond = Math.round((eventCount / spentMs) * 1000);
const half = rates.length / 2;
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
console.log(`${eventCount} events, ${ended} programs ended, ${tree.size} processes remembered`);
console.log(
  JSON.stringify({
    bench: 'attribute',
    ratios: {
      // 1 and more: as fast as wanted (250 000 events/s on one core).
      ofGoal: Number((eventsPerSecond / 250_000).toFixed(2)),
      // About 1: it does not slow down as the process table fills and turns over.
      secondHalfToFirst: Number((mean(rates.slice(half)) / mean(rates.slice(0, half))).toFixed(2)),
    },
    eventsPerSecond,
  }),
);

/** Eight events for each process: it is forked, executes, uses three capabilities, connects twice, exits. */
function makeEvents(): KernelEvent[] {
  const events: KernelEvent[] = [];
  for (let i = 0; i < processesPerRound; i++) {
    const container = i % containerCount;
    ktimeNs += 100_000n;
    const shell = shells[container] as TestProcess;
    const pid = 10_000 + (Number(ktimeNs / 100_000n) % 300_000);
    const process = { pid, startKtimeNs: ktimeNs, cgroupId: cgroupId(container) };
    events.push(forkOf(shell, ktimeNs, process), execOf(process, ktimeNs, '/usr/bin/curl', shell));
    for (let n = 0; n < 3; n++) events.push(capabilityOf(process, ktimeNs));
    events.push(connectOf(process, ktimeNs), connectOf(process, ktimeNs), exitOf(process, ktimeNs));
  }
  return events;
}

function cgroupId(i: number): bigint {
  return BigInt(10_000_000 + i);
}

function shellOf(i: number): TestProcess {
  return { pid: 1000 + i, startKtimeNs: BigInt(1000 + i), cgroupId: cgroupId(i), containerPid: 1 };
}
