import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { eventually } from '../../test/support/eventually.ts';
import { startNatsServer, type TestNatsServer } from '../../test/support/nats.ts';
import { formatAlert } from './format-alert.ts';
import { natsConnectionOptions, shownNatsUrl } from './nats-connection.ts';
import { alertStreamName } from './nats-stream.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { sampleAlert, sampleAlerts } from './testing/sample-alert.ts';

let server: TestNatsServer;
let store: MemoryStore;
let publisher: Publisher | undefined;

beforeEach(async () => {
  server = await startNatsServer();
  store = new MemoryStore();
});
afterEach(async () => {
  await publisher?.close(0);
  publisher = undefined;
  await server.close();
});

async function start(options: { url?: string; ackTimeoutMs?: number } = {}): Promise<Publisher> {
  publisher = await createPublisher({
    store,
    nats: { url: server.url, ackTimeoutMs: 500, ...options },
    logger: silentLogger,
    metrics: new Metrics('collector'),
  });
  return publisher;
}

const until = (condition: () => boolean | undefined) => eventually(() => expect(condition()).toBe(true));

async function streamMessages(): Promise<{ id: string; subject: string; contentType: string; text: string }[]> {
  const client = await server.client();
  const manager = await client.jetstreamManager();
  const { state } = await manager.streams.info(alertStreamName);
  const messages = [];
  for (let sequence = state.first_seq; sequence <= state.last_seq && state.messages > 0; sequence++) {
    const message = await manager.streams.getMessage(alertStreamName, { seq: sequence });
    messages.push({
      id: message.header.get('Nats-Msg-Id'),
      subject: message.subject,
      contentType: message.header.get('Content-Type'),
      text: new TextDecoder().decode(message.data),
    });
  }
  return messages;
}

describe('publishing to NATS', () => {
  it('creates the stream and delivers the CloudEvent with its headers, then empties the outbox', async () => {
    const alert = sampleAlert();
    const [stored] = (await start()).publish([alert]);
    await until(() => store.outboxSize() === 0);
    expect(await streamMessages()).toEqual([
      {
        id: alert.alertId,
        subject: 'tallyman.v1.alerts.prod-eu.payments.critical.exec-drift',
        contentType: 'application/cloudevents+json',
        text: stored?.cloudEvent,
      },
    ]);
    const manager = await (await server.client()).jetstreamManager();
    const { config } = await manager.streams.info(alertStreamName);
    expect(config).toMatchObject({ subjects: ['tallyman.v1.alerts.>'], storage: 'file', deny_delete: true });
    expect(publisher?.status()).toMatchObject({ nats: { connected: true, failing: undefined }, outboxAlerts: 0 });
  });

  it('reaches a plain subscriber', async () => {
    await start();
    await until(() => publisher?.status().nats.connected);
    const client = await server.client();
    const subscription = client.subscribe('tallyman.v1.alerts.*.payments.critical.>', { max: 1 });
    await client.flush();
    publisher?.publish([sampleAlert()]);
    for await (const message of subscription)
      expect(message.json<{ type: string; traceparent: string }>()).toMatchObject({ type: 'io.tallyman.alert.v1' });
  });

  it('is recognised by the alert id when it is sent twice', async () => {
    const alert = sampleAlert();
    await start();
    publisher?.publish([alert]);
    await until(() => store.outboxSize() === 0);
    // A collector that lost its memory between the PubAck and the mark.
    store = new MemoryStore();
    await publisher?.close();
    await start();
    publisher?.publish([alert]);
    await until(() => store.outboxSize() === 0);
    expect(await streamMessages()).toHaveLength(1);
  });

  it('carries an update beside its alert, on the same subject, once', async () => {
    const alert = sampleAlert();
    await start();
    publisher?.publish([alert]);
    const repeats = {
      ...{ findingId: alert.alertId, ruleId: 'exec-drift', containerId: 'c', severity: 5 as const, count: 3n },
      ...{ firstUnixNs: 1_795_000_060_000_000_000n, lastUnixNs: 1_795_000_090_000_000_000n },
    };
    publisher?.repeated(repeats);
    await until(() => store.outboxSize() === 0);
    // A collector that lost its memory and is told everything again.
    store = new MemoryStore();
    await publisher?.close();
    await start();
    publisher?.publish([alert]);
    publisher?.repeated(repeats);
    await until(() => store.outboxSize() === 0);
    const messages = await streamMessages();
    expect(messages.map(({ id }) => id)).toEqual([alert.alertId, `${alert.alertId}:repeats:3`]);
    expect(new Set(messages.map(({ subject }) => subject)).size).toBe(1);
  });

  it('loses nothing when the server dies in the middle, and keeps what it had', async () => {
    await start();
    publisher?.publish(sampleAlerts(300));
    await until(() => store.publishedAtUnixMs.size > 20);
    // The signal is sent at once, the client notices later: these go to a server that is dead already.
    const stopped = server.stop();
    publisher?.publish(sampleAlerts(300, 300));
    await stopped;
    await until(() => publisher?.status().nats.failing !== undefined);
    expect(store.outboxSize()).toBeGreaterThanOrEqual(300);
    await server.start();
    await until(() => store.outboxSize() === 0);
    const ids = (await streamMessages()).map((message) => message.id);
    expect(new Set(ids).size).toBe(600);
    expect(ids).toHaveLength(600);
  });

  it('starts without a server and catches up once there is one', async () => {
    await server.stop();
    await start();
    publisher?.publish(sampleAlerts(5));
    await until(() => publisher?.status().nats.failing?.includes('CONNECTION_REFUSED'));
    await server.start();
    await until(() => store.outboxSize() === 0);
    expect(await streamMessages()).toHaveLength(5);
  });

  it('does not touch a stream somebody else has set up', async () => {
    const manager = await (await server.client()).jetstreamManager();
    await manager.streams.add({ name: alertStreamName, subjects: ['tallyman.v1.>'], max_msgs: 7 });
    (await start()).publish([sampleAlert()]);
    await until(() => store.outboxSize() === 0);
    const { config } = await manager.streams.info(alertStreamName);
    expect(config).toMatchObject({ subjects: ['tallyman.v1.>'], max_msgs: 7, deny_delete: false });
  });

  it('makes the stream anew when somebody deletes it', async () => {
    (await start()).publish(sampleAlerts(1));
    await until(() => store.outboxSize() === 0);
    await (await (await server.client()).jetstreamManager()).streams.delete(alertStreamName);
    publisher?.publish(sampleAlerts(1, 1));
    await until(() => store.outboxSize() === 0);
    expect(await streamMessages()).toHaveLength(1);
  });
});

describe('a server that takes little', () => {
  it('refuses what is too large for it; the alert stays in the store, the others get through', async () => {
    await server.close();
    server = await startNatsServer({ configuration: 'max_payload: 4096' });
    await start();
    const alert = sampleAlert();
    publisher?.publish([alert]);
    await until(() => store.outboxSize() === 0);
    expect(store.getAlert(alert.alertId)).toBeDefined();
    expect(formatAlert(alert).cloudEvent.length).toBeGreaterThan(4096);
    expect(await streamMessages()).toEqual([]);
  });

  it('says so when there is no JetStream, and keeps the alert', async () => {
    await server.close();
    server = await startNatsServer({ jetStream: false });
    (await start()).publish([sampleAlert()]);
    await until(() => publisher?.status().nats.failing?.includes('no stream takes the alerts'));
    expect(store.outboxSize()).toBe(1);
  });
});

describe('addresses', () => {
  it.each(['', 'http://host', 'nats://', 'nats://ho st'])('refuses %j', (url) => {
    expect(() => natsConnectionOptions({ url })).toThrow(expect.objectContaining({ code: 'nats-url-invalid' }));
  });

  it('takes several servers and a user from the address, and does not show the password', () => {
    const url = 'nats://me:s3cret@a:4333,b';
    expect(natsConnectionOptions({ url })).toMatchObject({ servers: ['a:4333', 'b:4222'], user: 'me', pass: 's3cret' });
    expect(shownNatsUrl(url)).toBe('nats://a:4333,b');
  });
});
