import { afterEach, beforeAll, expect, it } from 'vitest';
import type { Loss } from '../../agent/container/loss-windows.ts';
import { LossWatch } from '../../agent/observe/loss-watch.ts';
import { Clock, readClockNs } from '../../agent/sensor/libc.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { buildTestImage, runContainer, type TestContainer } from '../support/docker.ts';
import { kindsByType } from '../support/record-kinds.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;
/** So small that it holds a few hundred records: whoever does not read at once loses some. */
const ringBytes = 64 * 1024;

beforeAll(() => buildTestImage());

afterEach(() => session.close());

/** What the container printed: how often it did what it was asked for. */
async function printed(container: TestContainer): Promise<number> {
  await container.wait();
  return Number((await container.logs()).trim());
}

function stayBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('accounts for every record: what is attempted is received or lost, by type and CPU', async () => {
  session = new SensorSession({ ringBytes }).start();
  const container = await runContainer({ command: ['/bin/actor', 'execs', '1500', '/bin/true'] });
  try {
    // The event loop is kept busy, so the ring is not drained and overflows.
    stayBusy(1200);
    const execsMade = (await printed(container)) + 1;
    await session.eventsOfContainer(container);
    expect(session.sensor.checkLedger()).toEqual([]);
    const ledger = session.sensor.ledger();
    for (const row of ledger) {
      const kind = kindsByType.get(row.type) ?? row.type;
      const lost = Object.values(row.lost).reduce((sum, part) => sum + part, 0n);
      expect([row.type, ofKind(session.events, kind as 'exec').length]).toEqual([row.type, Number(row.sent)]);
      expect([row.type, row.attempted]).toEqual([row.type, row.sent + lost]);
      expect(row.cpus.reduce((sum, { attempted }) => sum + attempted, 0n)).toBe(row.attempted);
    }
    const birth = only(ofKind(session.events, 'cgroup-mkdir').filter((event) => event.path.endsWith(container.id)));
    const sent = ofKind(session.events, 'exec').filter((event) => event.cgroupId === birth.cgroupId).length;
    const losses = session.sensor.containerLosses().filter((row) => row.containerKey === birth.cgroupId);
    const execs = only(losses.filter(({ type, reason }) => type === 'exec' && reason === 'ring-full'));
    expect(sent + Number(execs.count)).toBe(execsMade);
  } finally {
    await container.remove();
  }
});

it('is in balance whenever it is looked at, in the middle of a storm that overflows the ring', async () => {
  session = new SensorSession({ ringBytes }).start();
  const storms = await Promise.all(
    ['execs 4000 /bin/true', 'fork-bomb 20000', 'execs 4000 /bin/true'].map((storm) =>
      runContainer({ command: ['/bin/actor', ...storm.split(' ')] }),
    ),
  );
  try {
    const until = performance.now() + 3_500;
    let settled = 0;
    for (let round = 0; performance.now() < until; round++) {
      const found = session.sensor.checkLedger();
      if (found !== undefined) settled++;
      expect(found ?? []).toEqual([]);
      if (round % 50 === 0) stayBusy(60);
      if (round % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(settled).toBeGreaterThan(10);
    const lost = session.sensor.ledger().reduce((sum, row) => sum + row.lost['ring-full'], 0n);
    expect(lost).toBeGreaterThan(0n);
  } finally {
    await Promise.all(storms.map((storm) => storm.remove()));
  }
  expect(session.sensor.checkLedger() ?? []).toEqual([]);
});

it('tells each loss with its container and its window, and no container of a loss it had no part in', async () => {
  session = new SensorSession({ budgets: { exec: { perSecond: 10, burst: 20 } } }).start();
  const losses: Loss[] = [];
  const watch = new LossWatch({
    source: session.sensor,
    nowKtimeNs: () => readClockNs(Clock.boottime),
    containerOf: (cgroupId) => String(cgroupId),
    onLoss: (loss) => losses.push(loss),
    logger: silentLogger,
    metrics: new Metrics('agent'),
  });
  const before = readClockNs(Clock.boottime);
  const noisy = await runContainer({ command: ['/bin/actor', 'execs', '1000', '/bin/true'] });
  const quiet = await runContainer({ command: ['/bin/id'] });
  try {
    await expect
      .poll(() => {
        watch.notice();
        return losses.length;
      })
      .toBeGreaterThan(0);
    const made = (await printed(noisy)) + 1;
    await quiet.wait();
    watch.check();
    watch.check();
    const births = ofKind(session.events, 'cgroup-mkdir');
    const [noisyId, quietId] = [noisy, quiet].map(
      ({ id }) => only(births.filter((event) => event.path.endsWith(id))).cgroupId,
    );
    const sent = ofKind(session.events, 'exec').filter((event) => event.cgroupId === noisyId).length;
    const count = losses.reduce((sum, loss) => sum + loss.count, 0n);
    expect(sent + Number(count)).toBe(made);
    for (const loss of losses) {
      expect(loss).toMatchObject({ hop: 'budget', type: 'exec', reason: 'throttled', containerId: String(noisyId) });
      expect(loss.fromKtimeNs).toBeGreaterThan(before);
      expect(loss.toKtimeNs).toBeLessThan(readClockNs(Clock.boottime));
    }
    expect(losses.some(({ containerId }) => containerId === String(quietId))).toBe(false);
  } finally {
    await Promise.all([noisy.remove(), quiet.remove()]);
  }
});

it('knows of each hook how often the kernel skipped its program', () => {
  session = new SensorSession().start();
  const attached = session.sensor.hooks.filter(({ program }) => program !== undefined).map(({ name }) => name);
  expect([...session.sensor.programMisses().keys()]).toEqual(attached);
});
