import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestImage, runContainer } from '../support/docker.ts';
import { ofKind, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  // Never started on its timer in time: the ring holds a few hundred records only and nobody reads while it fills.
  session = new SensorSession({ ringBytes: 64 * 1024 });
});

afterAll(() => session.close());

it('accounts for every record: sent is what was received, the rest is counted as lost', async () => {
  session.start();
  const container = await runContainer({ command: ['/bin/actor', 'execs', '1500', '/bin/true'] });
  try {
    // The event loop is kept busy, so the ring is not drained and overflows.
    const until = performance.now() + 1200;
    while (performance.now() < until);
    await container.wait();
    await session.eventsOfContainer(container);
    const ledger = session.sensor.ledger();
    const lost = ledger.reduce((sum, row) => sum + row.lost['ring-full'], 0n);
    expect(lost).toBeGreaterThan(0n);
    for (const row of ledger) {
      const kind = row.type === 'tcp-state' ? 'tcp' : row.type;
      expect([row.type, ofKind(session.events, kind as 'exec').length]).toEqual([row.type, Number(row.sent)]);
    }
    const iterations = Number((await container.logs()).trim());
    const execs = ledger.find((row) => row.type === 'exec');
    expect(Number((execs?.sent ?? 0n) + (execs?.lost['ring-full'] ?? 0n))).toBeGreaterThanOrEqual(iterations);
  } finally {
    await container.remove();
  }
});
