import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../common/logger.ts';
import { Metrics } from '../../../common/metrics.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../../../test/support/otlp-receiver.ts';
import { executionSpanId } from '../../decide/trace-ids.ts';
import {
  sampleAlert,
  sampleAlerts,
  sampleContainerId,
  sampleCorrelated,
  sampleFinding,
  sampleProcesses,
  sampleTimeUnixNs,
} from '../testing/sample-alert.ts';
import { otlpUrls } from './endpoint.ts';
import { createOtlpSink, type OtlpOptions, type OtlpSink } from './otlp-sink.ts';

let receiver: OtlpReceiver;
let sink: OtlpSink;
let metrics: Metrics;

beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(async () => {
  await sink.close(0);
  await receiver.stop();
});

async function start(options: Partial<OtlpOptions> = {}): Promise<void> {
  metrics = new Metrics('collector');
  sink = await createOtlpSink(
    {
      endpoint: receiver.endpoint,
      traceLingerMs: 200,
      exportTimeoutMs: 500,
      backoff: { initialMs: 10, maxMs: 50 },
      ...options,
    },
    silentLogger,
    metrics,
  );
}

const ended = (executionId: string, endUnixNs: bigint, exitCode = 0) => ({
  containerId: sampleContainerId,
  executionId,
  endUnixNs,
  exitCode,
  exitSignal: 0,
  coreDumped: false,
});
const actingId = 'b00t1d00:1041:1041000:1';

function named(name: string): ReceivedSpan {
  const found = receiver.spans.filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

describe('the trace of a container', () => {
  it('is the process tree with true times, the alert below the execution that acted', async () => {
    await start();
    const alert = sampleAlert();
    sink.publish(alert);
    sink.executionEnded(ended(actingId, sampleTimeUnixNs + 7n, 3));
    await receiver.waitFor(({ spans, logs }) => spans.length === 6 && logs.length === 1);

    const root = named('container checkout');
    const [tini, node, dash, acting] = ['tini', 'node', 'dash', '.x'].map(named) as [
      ReceivedSpan,
      ReceivedSpan,
      ReceivedSpan,
      ReceivedSpan,
    ];
    const alertSpan = named('alert exec-drift');
    expect(receiver.spans.every((span) => span.traceId === alert.traceId)).toBe(true);
    expect([tini, node, dash, acting, alertSpan].map((span) => span.parentSpanId)).toEqual(
      [root, tini, node, dash, acting].map((span) => span.spanId),
    );
    expect(root.parentSpanId).toBe('');
    expect(root.startUnixNs).toBe(sampleTimeUnixNs - 62_000_000_000n);
    expect([acting.startUnixNs, acting.endUnixNs]).toEqual([sampleTimeUnixNs - 995n, sampleTimeUnixNs + 7n]);
    expect(acting.attributes).toMatchObject({
      'process.pid': 1041,
      'process.exit.code': 3,
      'process.executable.path': '/tmp/.x',
      'process.command_args': ['/tmp/.x', '--quiet'],
      'process.user.id': 33,
      'tallyman.process.running': false,
    });
    expect(node.attributes['tallyman.process.running']).toBe(true);
    expect(alertSpan).toMatchObject({
      spanId: alert.spanId,
      startUnixNs: sampleTimeUnixNs,
      endUnixNs: sampleTimeUnixNs,
    });
    expect(alertSpan.status.code).toBe(2);
    expect(alertSpan.links).toMatchObject([{ traceId: alert.traceId, spanId: executionSpanId(actingId) }]);
    expect(alertSpan.attributes).toMatchObject({
      'tallyman.rule.id': 'exec-drift',
      'tallyman.signature.outcome': 'verified',
    });
    expect(root.resource).toMatchObject({
      'container.id': sampleContainerId,
      'container.image.name': 'registry.acme.io:5000/checkout',
      'container.image.repo_digests': [`registry.acme.io:5000/checkout@sha256:${'9f'.repeat(32)}`],
      'host.name': 'node-3',
    });
    expect(receiver.logs[0]).toMatchObject({
      traceId: alert.traceId,
      spanId: alert.spanId,
      timeUnixNs: sampleTimeUnixNs,
      severityNumber: 21,
      eventName: 'io.tallyman.alert.v1',
    });
    expect(receiver.refused).toEqual([]);
  });

  it('has each span once, however many alerts share it', async () => {
    await start();
    const alerts = sampleAlerts(20);
    for (const alert of [...alerts, ...alerts]) sink.publish(alert);
    await receiver.waitFor(({ spans, logs }) => spans.length >= 25 && logs.length >= 20);
    sink.executionEnded(ended(actingId, sampleTimeUnixNs + 7n));
    await sink.close(2000);
    const ids = receiver.spans.map((span) => span.spanId);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(ids).toHaveLength(25);
    expect(receiver.logs).toHaveLength(20);
  });

  it('knows the end of a process that was gone before its alert', async () => {
    await start({ traceLingerMs: 60_000 });
    sink.executionEnded(ended(actingId, sampleTimeUnixNs + 5n, 1));
    sink.publish(sampleAlert());
    await receiver.waitFor(({ spans }) => spans.some((span) => span.name === '.x'));
    expect(named('.x').endUnixNs).toBe(sampleTimeUnixNs + 5n);
  });

  it('links the root of a window to the root of the one before', async () => {
    await start();
    const later = sampleFinding({
      findingId: 'later',
      event: { kind: 'exec', timeUnixNs: sampleTimeUnixNs + 3_600_000_000_000n },
    });
    const [first, second] = [sampleAlert(), sampleAlert(sampleCorrelated(later))];
    sink.publish(first);
    sink.publish(second);
    expect(second.traceId).not.toBe(first.traceId);
    await receiver.waitFor(({ spans }) => spans.filter((span) => span.name === 'container checkout').length === 2);
    const root = receiver.spans.find((span) => span.name === 'container checkout' && span.traceId === second.traceId);
    expect(root?.links.map((link) => link.traceId)).toEqual([first.traceId]);
  });

  it('puts an alert without a process below the container', async () => {
    await start();
    sink.publish(sampleAlert({ ...sampleCorrelated(sampleFinding({ processes: [] })), ownership: undefined }));
    await receiver.waitFor(({ spans }) => spans.length === 2);
    expect(named('alert exec-drift').parentSpanId).toBe(named('container checkout').spanId);
  });

  it('carries hostile text without breaking the message', async () => {
    await start();
    const [acting, ...above] = sampleProcesses();
    const argv = ['lone \ud800', '\u0000\u001b[2J', 'x'.repeat(100_000)];
    sink.publish(sampleAlert(sampleCorrelated(sampleFinding({ processes: [{ ...acting, argv }, ...above] }))));
    await receiver.waitFor(({ spans }) => spans.some((span) => span.name === '.x'));
    const received = named('.x').attributes['process.command_args'] as string[];
    expect(received.slice(0, 2)).toEqual(['lone \ufffd', '\u0000\u001b[2J']);
    expect(received[2]).toHaveLength(4096);
  });
});

describe('an endpoint that is away', () => {
  it('gets everything exactly once when it is back', async () => {
    await receiver.stop();
    await start();
    for (const alert of sampleAlerts(10)) sink.publish(alert);
    await expect.poll(() => sink.failing(), { timeout: 10_000 }).toBeDefined();
    await receiver.start();
    await receiver.waitFor(({ spans, logs }) => spans.length === 15 && logs.length === 10);
    const ids = receiver.spans.map((span) => span.spanId);
    expect(new Set(ids).size).toBe(ids.length);
    await expect.poll(() => sink.failing()).toBeUndefined();
  });

  it('costs bounded memory, and what does not fit is counted', async () => {
    await receiver.stop();
    await start({ maxQueuedSpans: 8, maxQueuedLogs: 4 });
    for (const alert of sampleAlerts(400)) sink.publish(alert);
    await sink.close(0);
    const text = await metrics.registry.metrics();
    const dropped = [...text.matchAll(/otlp_dropped_total\{signal="(\w+)",reason="queue-full"\} (\d+)/g)];
    expect(dropped.map(([, signal]) => signal).sort()).toEqual(['logs', 'traces']);
    for (const [, , count] of dropped) expect(Number(count)).toBeGreaterThan(100);
  });

  it('drops what it refuses, counts it and goes on', async () => {
    await start();
    receiver.answerStatus = 400;
    sink.publish(sampleAlert());
    await expect.poll(() => sink.failing(), { timeout: 10_000 }).toContain('400');
    await expect.poll(() => sink.queued(), { timeout: 10_000 }).toBe(0);
    receiver.answerStatus = undefined;
    for (const alert of sampleAlerts(1, 500)) sink.publish(alert);
    await receiver.waitFor(({ logs }) => logs.length === 1);
    expect(await metrics.registry.metrics()).toMatch(/otlp_dropped_total\{signal="logs",reason="refused"\} 1/);
  });
});

describe('the receiver itself', () => {
  const post = (body: Buffer, type = 'application/x-protobuf') =>
    new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': type };
      request(`${receiver.endpoint}/v1/traces`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end(body);
    });

  it('refuses what is no OTLP', async () => {
    await start();
    expect(await post(Buffer.from([0x0a, 0x7f, 0x01]))).toBe(400);
    expect(await post(Buffer.from([0x52, 0x01, 0x01]))).toBe(400);
    expect(await post(Buffer.from('{}'))).toBe(400);
    expect(await post(Buffer.from([]), 'application/json')).toBe(415);
    expect(await post(Buffer.from([]))).toBe(200);
    // A span whose ids have no bytes.
    expect(await post(Buffer.from([0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]))).toBe(400);
  });
});

describe('the addresses of an endpoint', () => {
  it.each([
    ['http://h:4318', 'http://h:4318/v1/traces'],
    ['https://h/otlp/', 'https://h/otlp/v1/traces'],
    ['http://h?x=1', 'http://h/v1/traces?x=1'],
  ])('%s', async (endpoint, traces) => {
    await start();
    expect(otlpUrls(endpoint).traces).toBe(traces);
  });

  it.each(['h:4318', 'ftp://h', ''])('refuses %j', async (endpoint) => {
    await start();
    expect(() => otlpUrls(endpoint)).toThrow(expect.objectContaining({ code: 'otlp-endpoint-invalid' }));
  });
});
