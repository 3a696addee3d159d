import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { decodeSampledTask, type SampledTask } from '../../agent/decode/sampled-task.ts';
import type { Budgets } from '../../agent/sensor/budgets.ts';
import { type HookState, hooks, passedOver } from '../../agent/sensor/hooks.ts';
import { Sensor } from '../../agent/sensor/sensor.ts';
import { createLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { withLongHeader } from '../support/long-btf.ts';
import { kindsByType } from '../support/record-kinds.ts';
import { capabilityChecks } from './capability-checks.ts';
import { type Check, ofKind, toJson } from './check.ts';
import { checkFiles } from './file-smoke.ts';
import { cgroupRoot, runContainer } from './guest-container.ts';
import { cgroupChecks, networkChecks } from './network-checks.ts';
import { privilegeChecks } from './privilege-checks.ts';
import { processChecks } from './process-checks.ts';
import { questionChecks, syscallPackChecks } from './question-checks.ts';
import { sampleChecks } from './sample-checks.ts';

/**
 * Runs inside a booted kernel: starts the real sensor, does real things in containers and compares. Prints a line for
 * each hook and check, and the result as the last line.
 */

const kernelBtf = '/sys/kernel/btf/vmlinux';
const checks: readonly Check[] = [
  ...[...processChecks, ...privilegeChecks, ...sampleChecks],
  ...[...capabilityChecks, ...questionChecks, ...networkChecks, ...cgroupChecks],
];

interface Outcome {
  hook: string;
  attachPoint: string;
  check: string;
  error?: string;
}

interface Session {
  sensor: Sensor;
  events: KernelEvent[];
}

function openSession(
  hookVariants: Record<string, string>,
  { budgets = {}, syscallPack = false }: { budgets?: Partial<Budgets>; syscallPack?: boolean } = {},
): Session {
  const events: KernelEvent[] = [];
  const sensor = new Sensor({
    objectPath: '/tallyman.bpf.o',
    procRoot: '/proc',
    cgroupRoot,
    ringBytes: 8 * 1024 * 1024,
    onEvent: (event) => events.push(event),
    logger: createLogger({ level: 'info' }),
    metrics: new Metrics('agent'),
    syscallPack,
    hookVariants,
    budgets,
  });
  sensor.start();
  return { sensor, events };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ').slice(0, 3000);
}

/** Every task of every sample that is taken until the container has ended. */
async function sampleWhile(sensor: Sensor, running: Promise<unknown>): Promise<SampledTask[]> {
  const tasks: SampledTask[] = [];
  let isOver = false;
  const over = running.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  while (!isOver) {
    (await sensor.sample()).forEach((view, at) => {
      tasks.push(decodeSampledTask(view, at));
    });
    await sleep(100);
  }
  return tasks;
}

async function runCheck(session: Session, state: HookState, check: Check): Promise<Outcome> {
  const outcome: Outcome = { hook: check.hook, attachPoint: state.attachPoint ?? 'none', check: check.name };
  try {
    if (state.attachPoint === undefined) throw new Error('the hook is not attached');
    const running = runContainer(check.script);
    const samples = check.sampled === true ? await sampleWhile(session.sensor, running) : [];
    const run = await running;
    session.sensor.drain();
    check.verify(
      session.events.filter((event) => event.cgroupId === run.cgroupId),
      run,
      samples.filter((task) => task.cgroupId === run.cgroupId),
    );
  } catch (error) {
    outcome.error = messageOf(error);
  }
  report(outcome);
  return outcome;
}

function report(outcome: Outcome): void {
  const sign = outcome.error === undefined ? 'pass' : 'FAIL';
  console.log(`${sign}  ${outcome.attachPoint.padEnd(27)} ${outcome.check}`);
  if (outcome.error !== undefined) console.log(`      ${outcome.error}`);
}

/** Under a burst: the kernel's count of each record type must be what was received, and nothing lost. */
async function checkLedger(session: Session): Promise<Outcome> {
  const outcome: Outcome = { hook: 'ledger', attachPoint: 'all', check: 'what the kernel sent is what was received' };
  try {
    const run = await runContainer('actor execs 1500 /bin/true');
    session.sensor.drain();
    const own = ofKind(session.events, 'exec').filter(
      (event) => event.cgroupId === run.cgroupId && event.filename === '/bin/true',
    );
    if (own.length === 0 || own.length !== Number(run.output))
      throw new Error(`${run.output.trim()} programs were executed, ${own.length} were reported`);
    for (const row of session.sensor.ledger()) {
      const kind = kindsByType.get(row.type) ?? row.type;
      const received = session.events.filter((event) => event.kind === kind).length;
      const lost = Object.values(row.lost).reduce((sum, part) => sum + part, 0n);
      if (BigInt(received) !== row.sent || lost !== 0n)
        throw new Error(`${row.type}: sent ${row.sent}, lost ${lost}, received ${received}`);
    }
    const found = session.sensor.checkLedger() ?? [];
    if (found.length > 0) throw new Error(`unaccounted for: ${toJson(found)}`);
    outcome.check += ` (${own.length} programs in 1.5 s)`;
  } catch (error) {
    outcome.error = messageOf(error);
  }
  report(outcome);
  return outcome;
}

/** A container that floods is bounded, and what it lost is known to the last record. */
async function checkBudget(): Promise<Outcome> {
  const outcome: Outcome = { hook: 'budget', attachPoint: 'all', check: 'a flood is bounded, what it cost is known' };
  const few = { perSecond: 1, burst: 2 };
  const session = openSession({}, { budgets: { exec: few, reserve: few } });
  try {
    const run = await runContainer('actor execs 1500 /bin/true');
    session.sensor.drain();
    const own = session.events.filter((event) => event.cgroupId === run.cgroupId);
    const sent = ofKind(own, 'exec').filter((event) => event.filename === '/bin/true').length;
    const losses = session.sensor.containerLosses().filter((row) => row.containerKey === run.cgroupId);
    const lost = losses.find((row) => row.type === 'exec' && row.reason === 'throttled')?.count ?? 0n;
    if (lost === 0n || sent + Number(lost) !== Number(run.output))
      throw new Error(`${run.output.trim()} programs were executed, ${sent} reported, ${lost} counted as lost`);
    if (ofKind(own, 'throttle').length !== 1) throw new Error('the throttling was not told once');
    outcome.check += ` (${sent} sent, ${lost} not)`;
  } catch (error) {
    outcome.error = messageOf(error);
  } finally {
    session.sensor.close();
  }
  report(outcome);
  return outcome;
}

function checksOf({ name, attachPoint = '' }: HookState, all: readonly Check[]): Check[] {
  return all.filter(
    ({ hook, attachedTo }) => hook === name && (attachedTo === undefined || attachedTo.test(attachPoint)),
  );
}

/** Every check with the ways that this kernel takes by itself; a hook that nothing tests has failed. */
async function runAsChosen(session: Session): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const state of session.sensor.hooks) {
    reportHook(state);
    const own = checksOf(state, checks);
    if (own.length === 0 || state.attachPoint === undefined) {
      const error = own.length === 0 ? 'no check is about this hook' : passedOver(state).join('; ');
      outcomes.push({ hook: state.name, attachPoint: state.attachPoint ?? 'none', check: 'is attached', error });
    }
    for (const check of own) outcomes.push(await runCheck(session, state, check));
  }
  return [...outcomes, await checkLedger(session)];
}

/** The checks of those hooks that are attached in another way than this kernel would choose. */
async function runForced(session: Session, forced: Record<string, string>, all = checks): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const state of session.sensor.hooks.filter(({ name }) => forced[name] !== undefined)) {
    reportHook(state);
    for (const check of checksOf(state, all)) outcomes.push(await runCheck(session, state, check));
  }
  return [...outcomes, await checkLedger(session)];
}

function reportHook(state: HookState): void {
  console.log(`hook  ${state.name.padEnd(14)} ${state.attachPoint ?? `NOT ATTACHED: ${state.consequence}`}`);
  for (const reason of passedOver(state)) console.log(`      ${reason}`);
}

async function withSession<T>(
  hookVariants: Record<string, string>,
  use: (session: Session) => T,
  syscallPack = false,
): Promise<Awaited<T>> {
  const session = openSession(hookVariants, { syscallPack });
  try {
    return await use(session);
  } finally {
    session.sensor.close();
  }
}

/**
 * The ways that this kernel offers beside those it takes: in the first round the next best of every hook that has one, in the
 * second round the one after that.
 */
function forcedRounds(states: readonly HookState[]): Record<string, string>[] {
  const spare = states.map(({ name, ways }) => ({ name, points: ways.filter(({ state }) => state === 'spare') }));
  const rounds = Math.max(...spare.map(({ points }) => points.length));
  return Array.from({ length: rounds }, (_, round) =>
    Object.fromEntries(spare.flatMap(({ name, points }) => (points[round] ? [[name, points[round].attachPoint]] : []))),
  );
}

/** Newer kernels put more into the header of their type information than this one does. */
async function checkLongHeader(chosen: readonly HookState[]): Promise<Outcome> {
  const outcome: Outcome = { hook: 'loader', attachPoint: 'all', check: 'the same with a BTF header of 32 bytes' };
  try {
    writeFileSync('/tmp/btf', withLongHeader(readFileSync(kernelBtf), 32));
    execFileSync('/bin/busybox', ['mount', '--bind', '/tmp/btf', kernelBtf]);
    await withSession({}, ({ sensor }) => assert.deepEqual(sensor.hooks, chosen));
  } catch (error) {
    outcome.error = messageOf(error);
  }
  report(outcome);
  return outcome;
}

async function runAll(): Promise<Outcome[]> {
  let chosen: readonly HookState[] = [];
  const outcomes = await withSession({}, (session) => {
    chosen = session.sensor.hooks;
    return runAsChosen(session);
  });
  for (const forced of forcedRounds(chosen))
    outcomes.push(...(await withSession(forced, (session) => runForced(session, forced))));
  outcomes.push(await checkBudget(), ...(await runSyscallPack()), ...(await runFileChecks()));
  return [...outcomes, await checkLongHeader(chosen)];
}

/** Off by default: each way to attach it is asked for. */
async function runSyscallPack(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { attachPoint } of hooks.find(({ name }) => name === 'syscall-pack')?.variants ?? []) {
    const forced = { 'syscall-pack': attachPoint };
    outcomes.push(...(await withSession(forced, (session) => runForced(session, forced, syscallPackChecks), true)));
  }
  return outcomes;
}

async function runFileChecks(): Promise<Outcome[]> {
  const results = await checkFiles();
  return results.map(({ way, check, error }) => {
    const outcome = { hook: 'files', attachPoint: `fanotify/${way}`, check, ...(error !== undefined && { error }) };
    report(outcome);
    return outcome;
  });
}

const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
console.log(`kernel ${kernel}`);
let outcomes: Outcome[] = [];
try {
  outcomes = await runAll();
} catch (error) {
  console.log(`FAIL  ${messageOf(error)}`);
  outcomes.push({ hook: 'sensor', attachPoint: 'none', check: 'starts', error: messageOf(error) });
}
const failed = outcomes.filter((outcome) => outcome.error !== undefined).length;
console.log(
  toJson({ kernel, ok: failed === 0 && outcomes.length > 0, passed: outcomes.length - failed, failed, outcomes }),
);
