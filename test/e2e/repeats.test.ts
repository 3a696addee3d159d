import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../cli/test-support/run-cli.ts';
import { AlertSubscriber } from '../support/alert-subscriber.ts';
import { buildTestImage, runContainer, type TestContainer } from '../support/docker.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

/** The same dropped program, time after time; and another one once. */
const command = 'cp /bin/busybox /tmp/x; cp /tmp/x /tmp/y; /tmp/y true; for i in 1 2 3 4 5 6 7; do /tmp/x true; done';

describe('what happens again and again', () => {
  let nats: TestNatsServer;
  let tallyman: TallymanProcess;
  let subscriber: AlertSubscriber;
  let container: TestContainer;

  beforeAll(async () => {
    await buildTestImage();
    nats = await startNatsServer();
    tallyman = await startTallyman(['--nats-url', nats.url]);
    subscriber = await AlertSubscriber.connect(nats.url);
    container = await runContainer({ command: ['sh', '-c', command] });
    await container.wait();
  });
  afterAll(async () => {
    await container?.remove();
    await subscriber?.close();
    await tallyman?.stop();
    await nats?.close();
  });

  const drift = (kind: string) =>
    subscriber
      .ofContainer(container.id)
      .filter(({ event }) => event.type === kind && event.data.finding_info.analytic.uid === 'exec-drift');

  it('is one alert, and one update with the number when the container has ended', async () => {
    await expect.poll(() => drift('io.tallyman.alert.update.v1').length, { timeout: 15_000 }).toBe(1);
    const alerts = drift('io.tallyman.alert.v1');
    expect(alerts).toHaveLength(2);
    const [update] = drift('io.tallyman.alert.update.v1');
    const of = alerts.find(({ event }) => event.id === update?.event.data.finding_info.uid);
    expect(of?.event.data.finding_info.title).toMatch(/^\/tmp\/x was written at run time/);
    expect(update).toMatchObject({ subject: of?.subject, messageId: `${of?.messageId}:repeats:6` });
    expect(update?.event.data).toMatchObject({ activity_id: 2, type_uid: 200402, count: 7, is_alert: false });
    expect(update?.event.data.end_time).toBeGreaterThanOrEqual(update?.event.data.start_time);
  });

  it('is told where the alert is looked up, and is one line where alerts are listed', async () => {
    const [update] = drift('io.tallyman.alert.update.v1');
    const id = String(update?.event.data.finding_info.uid);
    const response = await fetch(`${tallyman.api}/api/v1/alerts/${id}`);
    expect(await response.json()).toMatchObject({ id, data: { count: 7, end_time: update?.event.data.end_time } });
    const listed = await runCli(['alerts', '--nats-url', nats.url, '--rule', 'exec-drift', '--utc']);
    expect(listed.stdout.match(/^↻ .*exec-drift .*came again 6 times, last at .*$/gm)).toHaveLength(1);
    const told = await runCli(['alert', id, '--api', tallyman.api]);
    expect(told.stdout).toContain('came again 6 times');
  });
});
