import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { KernelEventKind } from '../../agent/decode/kernel-event.ts';
import { type Budgets, defaultBudgets } from '../../agent/sensor/budgets.ts';
import type { ContainerLossRow } from '../../agent/sensor/ledger.ts';
import { buildTestImage, runContainer, type TestContainer } from '../support/docker.ts';
import { cgroupRoot, type EventOf, ofKind, only, SensorSession } from '../support/sensor-session.ts';

/** Small enough that a test reaches it whatever the machine can do. */
const small: Budgets = {
  exec: { perSecond: 20, burst: 50 },
  fork: { perSecond: 20, burst: 50 },
  privilege: { perSecond: 5, burst: 20 },
  network: { perSecond: 20, burst: 50 },
  other: { perSecond: 20, burst: 50 },
  reserve: { perSecond: 50, burst: 100 },
};

let session: SensorSession;
const containers: TestContainer[] = [];

beforeAll(() => buildTestImage());

afterEach(async () => {
  await Promise.all(containers.splice(0).map((container) => container.remove()));
  session.close();
});

function open(budgets: Budgets = small): void {
  session = new SensorSession({ budgets }).start();
}

async function run(...command: string[]): Promise<TestContainer> {
  const container = await runContainer({ command });
  containers.push(container);
  return container;
}

function eventsNow<K extends KernelEventKind>(kind: K): EventOf<K>[] {
  session.sensor.drain();
  return ofKind(session.events, kind);
}

function cgroupIdOf(container: TestContainer): bigint {
  session.sensor.drain();
  return only(ofKind(session.events, 'cgroup-mkdir').filter((event) => event.path.endsWith(container.id))).cgroupId;
}

function lossesOf(cgroupId: bigint, type: string): ContainerLossRow[] {
  return session.sensor.containerLosses().filter((row) => row.containerKey === cgroupId && row.type === type);
}

/** What the container printed: how often it did what it was asked for. */
async function done(container: TestContainer): Promise<number> {
  await container.wait();
  return Number((await container.logs()).trim());
}

it('bounds an exec flood, counts what it cost, and says when it began', async () => {
  open();
  const noisy = await run('/bin/actor', 'execs', '1500', '/bin/true');
  const made = (await done(noisy)) + 1;
  const cgroupId = cgroupIdOf(noisy);
  const events = session.events.filter((event) => event.cgroupId === cgroupId);
  const sent = ofKind(events, 'exec').length;
  const loss = only(lossesOf(cgroupId, 'exec'));
  expect(loss.reason).toBe('throttled');
  expect(sent + Number(loss.count)).toBe(made);
  expect(Number(loss.count)).toBeGreaterThan(0);
  const throttle = only(ofKind(events, 'throttle').filter((event) => event.lostType === 'exec'));
  expect(throttle.containerKey).toBe(cgroupId);
  expect(throttle.ktimeNs).toBeGreaterThanOrEqual(loss.sinceKtimeNs);
  expect(loss.lastKtimeNs).toBeGreaterThan(loss.sinceKtimeNs);
});

it('lets a program through that the container has not run before, in the middle of a flood', async () => {
  open();
  const noisy = await run(
    '/bin/sh',
    '-c',
    '/bin/actor execs 700 /bin/true; /bin/id; /bin/actor memfd-exec /bin/actor true; /bin/actor execs 700 /bin/true',
  );
  await noisy.wait();
  const cgroupId = cgroupIdOf(noisy);
  const execs = ofKind(session.events, 'exec').filter((event) => event.cgroupId === cgroupId);
  expect(lossesOf(cgroupId, 'exec')).toHaveLength(1);
  expect(execs.filter((event) => event.filename === '/bin/id')).toHaveLength(1);
  expect(execs.filter((event) => event.executable.layer === 'memfd')).toHaveLength(1);
});

it('costs nobody else anything: another container is seen complete while one floods', async () => {
  open();
  const noisy = await run('/bin/actor', 'execs', '4000', '/bin/true');
  await expect.poll(() => eventsNow('throttle').length).toBeGreaterThan(0);
  const quiet = await run('/bin/sh', '-c', '/bin/id; /bin/actor mount; /bin/actor connect 127.0.0.1 9; exit 3');
  await quiet.wait();
  await noisy.wait();
  const cgroupId = cgroupIdOf(quiet);
  const events = session.events.filter((event) => event.cgroupId === cgroupId);
  expect(ofKind(events, 'exec').map((event) => event.filename)).toEqual([
    '/bin/sh',
    '/bin/id',
    '/bin/actor',
    '/bin/actor',
  ]);
  expect(ofKind(events, 'fork')).toHaveLength(3);
  expect(ofKind(events, 'exit')).toHaveLength(4);
  expect(only(ofKind(events, 'connect')).remotePort).toBe(9);
  expect(session.sensor.containerLosses().map((row) => row.containerKey)).not.toContain(cgroupId);
  expect(lossesOf(cgroupIdOf(noisy), 'exec')).toHaveLength(1);
});

it('bounds a fork bomb and says nothing of the ends of what was not told', async () => {
  open();
  const noisy = await run('/bin/actor', 'fork-bomb', '3000');
  const made = await done(noisy);
  const cgroupId = cgroupIdOf(noisy);
  const events = session.events.filter((event) => event.cgroupId === cgroupId);
  const forks = ofKind(events, 'fork');
  const loss = only(lossesOf(cgroupId, 'fork'));
  expect(made).toBe(3000);
  expect(forks.length + Number(loss.count)).toBe(made);
  expect(forks.length).toBeLessThan(made / 2);
  // Each told child ends once, and the container's first process.
  expect(ofKind(events, 'exit')).toHaveLength(forks.length + 1);
});

it('bounds a flood of connections to ever new places: told one by one, then summed up, and counted either way', async () => {
  open();
  const noisy = await run('/bin/actor', 'connect-many', '10000');
  expect(await done(noisy)).toBe(10_000);
  const cgroupId = cgroupIdOf(noisy);
  const sentAndLost = (kind: 'connect' | 'fanout'): number => {
    const sent = ofKind(session.events, kind).filter((event) => event.cgroupId === cgroupId).length;
    return lossesOf(cgroupId, kind).reduce((sum, loss) => sum + Number(loss.count), sent);
  };
  expect(sentAndLost('connect')).toBe(511);
  // 512, 1024, 2048, 4096, 8192.
  expect(sentAndLost('fanout')).toBe(5);
  expect(only(lossesOf(cgroupId, 'connect')).count).toBeGreaterThan(0n);
});

it('lets the first use of a capability through a flood of others', async () => {
  open();
  const attempts = 200;
  const noisy = await runContainer({
    // The default profile refuses mount(2) before the kernel asks for a capability.
    securityOpt: ['seccomp=unconfined'],
    command: [
      '/bin/sh',
      '-c',
      `/bin/actor capability-many ${attempts} /bin/actor; /bin/cp /bin/cat /tmp/c; /bin/chown 3 /tmp/c`,
    ],
  });
  containers.push(noisy);
  await noisy.wait();
  const cgroupId = cgroupIdOf(noisy);
  const used = ofKind(session.events, 'capability').filter((event) => event.cgroupId === cgroupId);
  const loss = only(lossesOf(cgroupId, 'capability'));
  const mounts = used.filter((event) => event.syscallName === 'mount').length;
  expect(mounts).toBeLessThan(attempts);
  expect(used.length + Number(loss.count)).toBeGreaterThanOrEqual(attempts + 1);
  expect(used.filter((event) => event.capabilityName === 'CAP_CHOWN')).toHaveLength(1);
  // The flood executed as many programs, which cost execs and no capabilities.
  expect(Number(loss.count)).toBeGreaterThanOrEqual(attempts - mounts);
});

it('is shared by the cgroups that a container makes below its own', async () => {
  open();
  const noisy = await run('/bin/sleep', '60');
  const cgroupId = cgroupIdOf(noisy);
  const path = only(ofKind(session.events, 'cgroup-mkdir').filter((event) => event.cgroupId === cgroupId)).path;
  session.sensor.tables.setVerdict(cgroupId, 'watch', cgroupId);
  const below = join(cgroupRoot(), path, 'below');
  mkdirSync(below);
  const belowId = statSync(below, { bigint: true }).ino;
  const flood = noisy.exec(['/bin/sh', '-c', '/bin/sleep 1; exec /bin/actor execs 1500 /bin/true']);
  // Other containers may run beside.
  const shellOf = (): number | undefined =>
    eventsNow('exec').find((event) => event.filename === '/bin/sh' && event.cgroupId === cgroupId)?.pid;
  await expect.poll(shellOf).toBeDefined();
  writeFileSync(join(below, 'cgroup.procs'), String(shellOf()));
  const made = Number((await flood).trim());
  const moved = eventsNow('exec').filter(
    (event) => event.filename === '/bin/true' && (event.cgroupId === belowId || event.cgroupId === cgroupId),
  );
  expect(moved.length).toBeGreaterThan(0);
  expect(moved.every((event) => event.cgroupId === belowId)).toBe(true);
  expect(moved.length + Number(only(lossesOf(cgroupId, 'exec')).count)).toBe(made);
});

it('is not reached by an exec storm that is within the defaults', async () => {
  open(defaultBudgets);
  const busy = await run('/bin/actor', 'execs', '1500', '/bin/true');
  const made = await done(busy);
  const cgroupId = cgroupIdOf(busy);
  const execs = ofKind(session.events, 'exec').filter((event) => event.filename === '/bin/true');
  expect(execs.filter((event) => event.cgroupId === cgroupId)).toHaveLength(made);
  expect(session.sensor.containerLosses()).toEqual([]);
});
