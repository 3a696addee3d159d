import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { startOtlpReceiver } from '../../test/support/otlp-receiver.ts';
import type { Alert } from '../decide/alert.ts';
import type { StoredAlert } from '../store/store.ts';
import { createPublisher, type Publisher, type PublisherOptions } from './publisher.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { OcsfSchema } from './testing/ocsf-schema.ts';
import { sampleAlert, sampleAlerts } from './testing/sample-alert.ts';

let store: MemoryStore;
let metrics: Metrics;
let publisher: Publisher | undefined;

beforeEach(() => {
  store = new MemoryStore();
  metrics = new Metrics('collector');
});
afterEach(async () => {
  await publisher?.close(0);
});

async function start(options: Partial<PublisherOptions> = {}): Promise<Publisher> {
  publisher = await createPublisher({ store, logger: silentLogger, metrics, ...options });
  return publisher;
}

const withAction = (alert: Alert, action: 'record' | 'ignore'): Alert => ({
  ...alert,
  decision: { ...alert.decision, action },
});
// Nobody listens on the discard port.
const deadNats = { url: 'nats://127.0.0.1:9' };

describe('the publisher', () => {
  it('stores what it is given once, and tells listeners of what is new', async () => {
    const heard: [Alert, StoredAlert][] = [];
    const { publish, subscribe } = bound(await start());
    const leave = subscribe((alert, stored) => heard.push([alert, stored]));
    const [first, second] = sampleAlerts(2) as [Alert, Alert];
    expect(publish([first, first]).map((stored) => stored.alertId)).toEqual([first.alertId]);
    expect(publish([first, second]).map((stored) => stored.alertId)).toEqual([second.alertId]);
    leave();
    publish(sampleAlerts(1, 7));
    expect(heard.map(([alert, stored]) => [alert.alertId, stored.alertId])).toEqual([
      [first.alertId, first.alertId],
      [second.alertId, second.alertId],
    ]);
    expect(store.getAlert(first.alertId)?.cloudEvent).toBe(heard[0]?.[1].cloudEvent);
  });

  it('tells of repeats as an update of the same finding, each count once', async () => {
    const { publish } = bound(await start({ nats: deadNats }));
    const [alert, recorded] = sampleAlerts(2) as [Alert, Alert];
    publish([alert, withAction(recorded, 'record')]);
    const repeats = (findingId: string, count: bigint) => ({
      ...{ findingId, ruleId: 'exec-drift', containerId: 'c', severity: 4 as const, count },
      ...{ firstUnixNs: 1_795_000_060_000_000_000n, lastUnixNs: 1_795_000_090_000_000_000n },
    });
    for (const count of [41n, 41n, 12n]) publisher?.repeated(repeats(alert.alertId, count));
    publisher?.repeated(repeats(recorded.alertId, 3n));
    publisher?.repeated(repeats('never-heard-of', 3n));
    const [created, update, ...others] = store.readOutbox(10);
    expect(others).toEqual([]);
    expect(update).toMatchObject({ alertId: `${alert.alertId}:repeats:41`, subject: created?.subject });
    const [was, is] = [JSON.parse(created?.cloudEvent ?? ''), JSON.parse(update?.cloudEvent ?? '')];
    expect(is).toMatchObject({
      ...{ id: `${alert.alertId}:repeats:41`, type: 'io.tallyman.alert.update.v1', source: was.source },
      ...{ subject: was.subject, traceparent: was.traceparent, time: '2026-11-18T11:08:10.000Z' },
      data: {
        ...{ class_uid: 2004, activity_id: 2, type_uid: 200402, count: 42, is_alert: false },
        ...{ severity_id: was.data.severity_id, end_time: 1_795_000_090_000, resources: was.data.resources },
        finding_info: { uid: alert.alertId, title: was.data.finding_info.title, last_seen_time: 1_795_000_090_000 },
        metadata: { uid: `${alert.alertId}:repeats:41`, correlation_uid: was.data.metadata.correlation_uid },
      },
    });
    expect(is.data.evidences).toEqual([{ container: was.data.evidences[0].container, data: { kind: 'exec' } }]);
    expect(is.data).not.toHaveProperty('enrichments');
    expect(new OcsfSchema().validate(is.data)).toEqual([]);
    expect(store.getAlert(recorded.alertId)?.repeats?.count).toBe(3);
    const text = await metrics.registry.metrics();
    for (const [result, times] of Object.entries({ told: 2, known: 2, 'no-alert': 1 }))
      expect(text).toContain(`tallyman_collector_alert_repeats_total{result="${result}"} ${times}`);
  });

  it('keeps nothing in the outbox that has nowhere to go', async () => {
    const { publish } = bound(await start());
    publish(sampleAlerts(3));
    expect(store.outboxSize()).toBe(0);
  });

  it('holds alerts for a broker that is away, stores recorded ones only, and leaves ignored ones out', async () => {
    const { publish, status } = bound(await start({ nats: deadNats }));
    const [sent, recorded, ignored] = sampleAlerts(3) as [Alert, Alert, Alert];
    publish([sent, withAction(recorded, 'record'), withAction(ignored, 'ignore')]);
    expect(store.readOutbox(10).map((alert) => alert.alertId)).toEqual([sent.alertId]);
    expect(store.getAlert(recorded.alertId)).toBeDefined();
    expect(store.getAlert(ignored.alertId)).toBeUndefined();
    expect(status()).toMatchObject({ nats: { configured: true, connected: false }, outboxAlerts: 1 });
    expect(await metrics.registry.metrics()).toContain('alerts_total{action="ignore",severity="critical"} 1');
  });

  it('passes on what the store throws, and tells nobody', async () => {
    const { publish, subscribe } = bound(await start());
    let heard = 0;
    subscribe(() => heard++);
    store.writeError = new Error('disk full');
    expect(() => publish([sampleAlert()])).toThrow('disk full');
    store.writeError = undefined;
    expect(publish([sampleAlert()])).toHaveLength(1);
    expect(heard).toBe(1);
  });

  it('survives a listener that throws', async () => {
    const { publish, subscribe } = bound(await start());
    subscribe(() => {
      throw new Error('broken view');
    });
    expect(publish([sampleAlert()])).toHaveLength(1);
  });

  it('exports alerts, and on closing also what still runs', async () => {
    const receiver = await startOtlpReceiver();
    try {
      const { publish } = bound(await start({ otlp: { endpoint: receiver.endpoint, traceLingerMs: 60_000 } }));
      publish([sampleAlert(), withAction(sampleAlerts(1)[0] as Alert, 'record')]);
      await publisher?.close();
      expect(receiver.spans.map((span) => span.name).sort()).toEqual(
        ['.x', 'alert exec-drift', 'container checkout', 'dash', 'node', 'tini'].sort(),
      );
      expect(receiver.logs).toHaveLength(1);
    } finally {
      await receiver.stop();
    }
  });

  it.each([
    [{ otlp: { endpoint: 'nowhere' } }, 'otlp-endpoint-invalid'],
    [{ nats: { url: 'http://x' } }, 'nats-url-invalid'],
    [{ maxEventBytes: 10 }, 'event-bound-invalid'],
    [{ nats: deadNats, otlp: { endpoint: 'nowhere' } }, 'otlp-endpoint-invalid'],
  ])('refuses %j', async (options, code) => {
    await expect(start(options)).rejects.toMatchObject({ code });
  });

  it('closes in time although nobody answers', async () => {
    const { publish } = bound(await start({ nats: deadNats, otlp: { endpoint: 'http://127.0.0.1:9' } }));
    publish(sampleAlerts(3));
    await publisher?.close(100);
    expect(store.outboxSize()).toBe(3);
  });
});

function bound(target: Publisher): Pick<Publisher, 'publish' | 'subscribe' | 'status'> {
  return {
    publish: (alerts) => target.publish(alerts),
    subscribe: (listener) => target.subscribe(listener),
    status: () => target.status(),
  };
}
