import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestNatsServer } from '../../test/support/nats.ts';
import { startNatsServer } from '../../test/support/nats.ts';
import { sampleAlert } from '../terminal/sample-alert.ts';
import { runCli } from '../test-support/run-cli.ts';
import { alertStreamName, readAlerts } from './alert-stream.ts';

let nats: TestNatsServer;
beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.close());

const published: string[] = [];

async function publish(text: string): Promise<void> {
  const client = await nats.client();
  await client.jetstream().publish('tallyman.v1.alerts.test.payments.critical.exec-drift', text);
  published.push(text);
}

const options = (more: object = {}) => ({
  natsUrl: nats.url,
  sinceUnixMs: undefined,
  lastCount: undefined,
  follow: false,
  ...more,
});

async function collected(more: object = {}): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of readAlerts(options(more))) texts.push(text);
  return texts;
}

describe('before the collector was there', () => {
  it('says that the stream is missing', async () => {
    await expect(collected()).rejects.toMatchObject({ code: 'not-found' });
    expect((await runCli(['alerts', '--nats-url', nats.url])).code).toBe(3);
  });
});

describe('readAlerts', () => {
  beforeAll(async () => {
    const manager = await (await nats.client()).jetstreamManager();
    await manager.streams.add({ name: alertStreamName, subjects: ['tallyman.v1.alerts.>'] });
  });

  it('ends at once when the stream is empty', async () => {
    expect(await collected()).toEqual([]);
  });

  it('gives everything in order, or the last ones', async () => {
    for (let number = 0; number < 600; number++)
      await publish(JSON.stringify({ ...(sampleAlert() as object), number }));
    expect(await collected()).toEqual(published);
    expect(await collected({ lastCount: 3 })).toEqual(published.slice(-3));
    expect(await collected({ sinceUnixMs: Date.now() + 3_600_000 })).toEqual([]);
  });

  it('goes on with new ones, and leaves no consumer behind', async () => {
    const interrupt = new AbortController();
    const seen: string[] = [];
    for await (const text of readAlerts(options({ follow: true, lastCount: 1, signal: interrupt.signal }))) {
      seen.push(text);
      if (seen.length === 1) await publish(JSON.stringify(sampleAlert({ findingId: 'late' })));
      if (seen.length === 2) interrupt.abort();
    }
    expect(seen).toEqual(published.slice(-2));
    const manager = await (await nats.client()).jetstreamManager();
    await expect.poll(async () => (await manager.consumers.list(alertStreamName).next()).length).toBe(0);
  });
});

describe('tallyman alerts', () => {
  it('prints with --json the messages as they are, one a line', async () => {
    const result = await runCli(['alerts', '--json', '-n', '2', '--nats-url', nats.url]);
    expect(result.stdout.trimEnd().split('\n')).toEqual(published.slice(-2));
  });

  it('shows blocks, the zone once, and filters', async () => {
    const shown = await runCli(['alerts', '-n', '2', '--utc', '--severity', 'high', '--nats-url', nats.url]);
    expect(shown.stdout.match(/times are UTC/g)).toHaveLength(1);
    expect(shown.stdout.match(/● CRITICAL/g)).toHaveLength(2);
    const none = await runCli(['alerts', '--rule', 'other', '--nats-url', nats.url]);
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'No alerts.\n' });
  });

  it('says what it cannot read, shows the rest, and fails', async () => {
    await publish('{"not":"an alert"}');
    const result = await runCli(['alerts', '-n', '2', '--nats-url', nats.url]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('cannot be read');
    expect(result.stdout).toContain('● CRITICAL');
  });
});
