import path, { basename } from 'node:path';
import { BaselineStore } from '../agent/baseline/baseline-store.ts';
import type { AttributedEvent } from '../agent/detect/attributed-event.ts';
import { createDetector } from '../agent/detect/detector.ts';
import { eventOfExample } from '../agent/detect/example-event.ts';
import { type EventKind, eventKinds } from '../agent/detect/field-catalog.ts';
import type { RuleProgram } from '../agent/detect/rule.ts';
import type { ProcessExample } from '../agent/detect/rule-example.ts';
import { loadRules } from '../agent/detect/rule-loader.ts';
import { type EventScope, scopeOfContainer, scopeOfEvent } from '../agent/detect/scope.ts';
import { capabilityEvent, connectEvent, execEvent, tcpEvent, testContainer } from '../agent/detect/test-events.ts';
import { baselineKeyOf } from '../common/baseline-key.ts';
import { silentLogger } from '../common/logger.ts';
import { Metrics } from '../common/metrics.ts';
import { Baseline, BaselineState } from '../proto/generated/tallyman/v1/baseline.ts';
import { measureRuleCosts, type Samples } from './lib/rule-costs.ts';
import { printTable } from './lib/table.ts';

/**
 * How many attributed events per second one core takes through the whole rule library, in a container whose baseline is ready.
 * Events that match no rule are what a node has nearly all the time; "suppressed" is an event that matches and repeats an earlier one. The ratios are to the
 * same conditions evaluated by CEL for every event, without the prefilter, measured in the same rounds. At the end each rule
 * alone, for events that it does not match and whose values keep many rules busy: so that a dear one is seen.
 */
const roundEvents = 200_000;
const rounds = 5;
const rulesDir = path.join(import.meta.dirname, '../agent/rules');

const init: ProcessExample = { executable: { path: '/usr/sbin/cron' }, entry: 'container-init' };
const shell: ProcessExample = {
  executable: { path: '/usr/bin/dash' },
  argv: ['sh', '-c', 'ls -l /var/lib'],
  parent: init,
};
const program: ProcessExample = { executable: { path: '/usr/bin/ls' }, argv: ['ls', '-l', '/var/lib'], parent: shell };
const applet: ProcessExample = { executable: { path: '/bin/busybox' }, argv: ['sleep', '1'], parent: init };
const dropped: ProcessExample = { executable: { path: '/tmp/.x', layer: 'writable' }, parent: shell };
const granted = { capabilityName: 'CAP_CHOWN', syscallName: 'fchownat', granted: true };
const denied = { capabilityName: 'CAP_DAC_OVERRIDE', syscallName: 'openat', granted: false };

const quiet: Record<string, AttributedEvent> = {
  'exec of a program': execEvent({ process: program }),
  'exec of a shell': execEvent({ process: shell }),
  'exec of a busybox applet': execEvent({ process: applet }),
  'capability granted': capabilityEvent({ event: granted, process: program }),
  'capability denied': capabilityEvent({ event: denied, process: program }),
  connect: connectEvent({ event: { remoteAddress: '10.0.0.7', remotePort: 5432 }, process: program }),
  'tcp state': tcpEvent({ process: program }),
};
const loads: Record<string, AttributedEvent[]> = {
  ...Object.fromEntries(Object.entries(quiet).map(([name, event]) => [name, [event]])),
  'all of these in turn': Object.values(quiet),
  'exec, suppressed': [execEvent({ process: dropped })],
};

const parts = { logger: silentLogger, metrics: new Metrics('agent') };
/** The container has a baseline in which all of this is expected, among a hundred other things of each kind. */
const baselines = new BaselineStore(parts);
const key = baselineKeyOf(testContainer());
const lines = Array.from({ length: 100 }, (_, n) => `/opt/bin/${n}`);
baselines.update({
  baselines: [
    Baseline.fromPartial({
      ...('key' in key ? key : {}),
      state: BaselineState.READY,
      version: 'bench',
      executables: [...lines, '/usr/sbin/nginx', '/usr/bin/dash', '/usr/bin/ls', '/bin/busybox'].map((path) => ({
        ...{ path, parentPath: '*', argumentShapes: [`${basename(path)} *`, 'sleep *'] },
      })),
      destinations: lines.map((_, n) => ({ transport: 'tcp', address: `10.0.0.${n}`, port: 5432 })),
      listens: lines.map((executablePath, n) => ({ transport: 'tcp', port: 8_000 + n, executablePath })),
      capabilities: [{ capabilityName: 'CAP_CHOWN' }, { capabilityName: 'CAP_DAC_OVERRIDE' }],
    }),
  ],
  removed: [],
});

const detector = createDetector({
  ...{ ...parts, rulesDirs: [rulesDir], baselines, clock: { unixNs: (ktimeNs) => ktimeNs } },
});
const rules = loadRules([rulesDir]);
const programs = Map.groupBy(
  rules.flatMap((rule) => rule.programs),
  (compiled: RuleProgram) => compiled.kind,
);

function celOnly(input: AttributedEvent): void {
  const scope = scopeOfEvent(input, undefined, baselines);
  for (const { when } of programs.get(scope.kind) ?? []) when.evaluate(scope);
}

function eventsPerSecond(handle: (input: AttributedEvent) => unknown, events: readonly AttributedEvent[]): number {
  const start = process.hrtime.bigint();
  for (let index = 0; index < roundEvents; index++) handle(events[index % events.length] as AttributedEvent);
  return roundEvents / (Number(process.hrtime.bigint() - start) / 1e9);
}

const best = new Map(Object.keys(loads).map((name) => [name, { detect: 0, cel: 0 }]));
for (let round = 0; round < rounds; round++) {
  for (const [name, rates] of best) {
    const events = loads[name] ?? [];
    rates.detect = Math.max(
      rates.detect,
      eventsPerSecond((input) => detector.onEvent(input), events),
    );
    rates.cel = Math.max(rates.cel, eventsPerSecond(celOnly, events));
  }
}

console.log(`${detector.rules().length} rules, ${roundEvents} events a round, best of ${rounds} rounds, one core\n`);
console.log(
  `${'load'.padEnd(26)}${'events/s'.padStart(14)}${'ns/event'.padStart(10)}${'CEL only'.padStart(14)}${'ratio'.padStart(8)}`,
);
const ratios: Record<string, number> = {};
for (const [name, { detect, cel }] of best) {
  ratios[name] = Number((detect / cel).toFixed(2));
  const columns = [Math.round(detect).toLocaleString('en').padStart(14), (1e9 / detect).toFixed(0).padStart(10)];
  columns.push(Math.round(cel).toLocaleString('en').padStart(14), `${ratios[name]}`.padStart(8));
  console.log(name.padEnd(26) + columns.join(''));
}
const total = Math.round(best.get('all of these in turn')?.detect ?? 0);

const busyShell = "curl -fsS 'http://localhost:8080/health?probe=live' | grep -q ok || { echo unhealthy >&2; exit 1; }";
const busy: Record<string, AttributedEvent> = {
  'exec of a health check': execEvent({
    process: { executable: { path: '/usr/bin/bash' }, argv: ['bash', '-c', busyShell], entry: 'exec-session' },
  }),
  'exec of python with code': execEvent({
    process: {
      executable: { path: '/usr/bin/python3.11' },
      argv: ['python3', '-c', 'import socket; socket.create_connection(("db", 5432))'],
      parent: shell,
    },
  }),
  'exec of grep': execEvent({
    process: { executable: { path: '/usr/bin/grep' }, argv: ['grep', '-r', 'listen', '/etc/nginx'], parent: shell },
  }),
};
const events = { ...quiet, ...busy };
const samples: Samples = new Map(eventKinds.map((kind) => [kind, samplesOf(kind)]));

function samplesOf(kind: EventKind): Record<string, () => EventScope> {
  if (kind === 'posture') return { 'an ordinary container': () => scopeOfContainer(testContainer()) };
  const ofKind = Object.entries(events).filter(([, input]) => input.event.kind === kind);
  const chosen = ofKind.length > 0 ? ofKind : [[`an ordinary ${kind} event`, eventOfExample({ on: kind })] as const];
  return Object.fromEntries(chosen.map(([name, input]) => [name, () => scopeOfEvent(input)]));
}

const costs = measureRuleCosts(rules, samples);
const shown = costs
  .slice(0, 25)
  .map((cost) => [cost.rule, cost.kind, `${cost.meanNs}`, `${cost.dearestNs}`, cost.dearest]);
console.log('\nThe dearest rules, each alone:\n');
printTable(['rule', 'on', 'ns/event', 'dearest', 'which is'], shown);
const ruleNs = Object.fromEntries(costs.map(({ rule, kind, dearestNs }) => [`${rule} on ${kind}`, dearestNs]));
console.log(JSON.stringify({ bench: 'detect', ratios, eventsPerSecond: total, ruleNs }));
