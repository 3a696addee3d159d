import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceivedAlert } from '../support/alert-subscriber.ts';
import type { TestContainer } from '../support/docker.ts';
import type { ReceivedSpan } from '../support/otlp-receiver.ts';
import { enrichment, Shop } from '../support/shop.ts';

/*
 * The main job: a container of an image with papers is attacked; a stranger's NATS subscriber and an OTLP receiver must be
 * told all of it.
 */
let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop?.close());

/** Command lines of a process and its parents, leaf first. */
// biome-ignore lint/suspicious/noExplicitAny: looked at as a stranger would
function chain(process: any): string[] {
  return process === undefined ? [] : [process.cmd_line, ...chain(process.parent_process)];
}

function spanOf(alert: ReceivedAlert, predicate: (span: ReceivedSpan) => boolean): ReceivedSpan {
  const [, traceId] = alert.traceparent.split('-');
  const found = shop.otlp.spans.filter((span) => span.traceId === traceId && predicate(span));
  expect(found).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

describe('a program dropped into a container of a signed image', () => {
  let container: TestContainer;
  let alert: ReceivedAlert;

  beforeAll(async () => {
    container = await shop.attack('cp /bin/actor /tmp/.x; sh -c "/tmp/.x listen 4999; :"', {
      labels: { team: 'payments' },
    });
    alert = await shop.subscriber.waitFor(container.id, 'exec-drift');
  });

  it('arrives on the subject and with the headers of the contract', () => {
    expect(alert.subject).toMatch(/^tallyman\.v1\.alerts\.test\.docker\.(high|critical)\.exec-drift$/);
    expect(alert.contentType).toBe('application/cloudevents+json');
    expect(alert.messageId).toBe(alert.event.id);
    expect(alert.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(alert.event).toMatchObject({
      specversion: '1.0',
      datacontenttype: 'application/json',
      traceparent: alert.traceparent,
    });
    expect(alert.event.data).toMatchObject({ class_uid: 2004, type_uid: 200401, is_alert: true });
    expect(alert.event.data.finding_info.analytic.uid).toBe('exec-drift');
    expect(alert.event.data.finding_info.title).toContain('/tmp/.x');
  });

  it('names the process with its ancestors up to the container’s first', () => {
    const { process } = alert.event.data.evidences[0];
    expect(chain(process)).toEqual([
      '/tmp/.x listen 4999',
      expect.stringContaining('/tmp/.x listen 4999; :'),
      expect.stringMatching(/^\/bin\/sh -c 'cp /),
    ]);
    expect(process.file.path).toBe('/tmp/.x');
    expect(process.pid).toBeGreaterThan(1);
    expect(process.user.uid).toBe('0');
    expect(process.created_time).toBeGreaterThan(Date.now() - 120_000);
    expect(process.parent_process.pid).not.toBe(process.pid);
  });

  it('names container and image by digest', () => {
    const evidence = alert.event.data.evidences[0].container;
    expect(evidence).toMatchObject({
      uid: container.id,
      name: container.name,
      runtime: 'docker',
      labels: expect.arrayContaining(['team=payments']),
    });
    expect(JSON.stringify(evidence.image)).toContain(shop.signed.digest);
    expect(JSON.stringify(evidence.image)).toContain('4.2.1');
  });

  it('says what the papers of the image say', () => {
    expect(enrichment(alert, 'image.signature')).toMatchObject({
      value: 'verified',
      data: { signer: { name: 'release', key_fingerprint: shop.key.fingerprint } },
    });
    expect(enrichment(alert, 'image.sbom')).toMatchObject({
      value: 'verified',
      data: { format: 'spdx-2.3', component_count: 3 },
    });
    expect(enrichment(alert, 'image.provenance')).toMatchObject({ value: 'absent' });
    expect(enrichment(alert, 'process.package')).toMatchObject({ value: 'not-in-image' });
    expect(enrichment(alert, 'container.posture')).toMatchObject({ value: 'default' });
    const decision = enrichment(alert, 'decision');
    expect(['high', 'critical']).toContain(decision.value);
    expect(decision.data.reasons.length).toBeGreaterThan(1);
    expect(decision.data.policy_version).toMatch(/@[0-9a-f]{12}$/);
  });

  it('is a trace with a span for each execution, its real times, and the alert linked to them', async () => {
    const [, traceId, alertSpanId] = alert.traceparent.split('-');
    const execution = (text: string) => (span: ReceivedSpan) =>
      String(span.attributes['process.command_line'] ?? '').startsWith(text);
    await shop.otlp.waitFor(
      ({ spans }) =>
        ['/tmp/.x', 'sh -c', '/bin/sh -c'].every((text) =>
          spans.some((span) => span.traceId === traceId && execution(text)(span)),
        ),
      20_000,
    );
    const dropped = spanOf(alert, execution('/tmp/.x'));
    const shell = spanOf(alert, execution('sh -c'));
    const first = spanOf(alert, execution('/bin/sh -c'));
    expect(dropped.parentSpanId).toBe(shell.spanId);
    expect(shell.parentSpanId).toBe(first.spanId);
    expect(dropped.attributes).toMatchObject({ 'process.executable.path': '/tmp/.x', 'process.exit.code': 0 });
    expect(dropped.resource).toMatchObject({ 'container.id': container.id });
    // It sleeps for a second.
    expect(dropped.endUnixNs - dropped.startUnixNs).toBeGreaterThan(990_000_000n);
    expect(dropped.endUnixNs).toBeLessThanOrEqual(first.endUnixNs);
    const alertSpan = spanOf(alert, (span) => span.spanId === alertSpanId);
    expect(alertSpan).toMatchObject({ status: { code: 2 }, attributes: { 'tallyman.rule.id': 'exec-drift' } });
    expect(alertSpan.links.map((link) => link.spanId)).toContain(dropped.spanId);
    expect(shop.otlp.logs.filter((log) => log.spanId === alertSpanId)).toHaveLength(1);
    expect(shop.otlp.refused).toEqual([]);
  });

  it('is what the HTTP API and the command show', async () => {
    const stored = await (await fetch(`${shop.tallyman.api}/api/v1/alerts/${alert.event.id}`)).json();
    expect(stored).toEqual(alert.event);
  });
});

describe('an image without papers', () => {
  it('says that they are absent, and weighs more', async () => {
    const container = await shop.attack('cp /bin/busybox /tmp/.y; /tmp/.y true; nc 127.0.0.1 9', {
      image: shop.unsigned.reference,
    });
    const alert = await shop.subscriber.waitFor(container.id, 'exec-drift');
    expect(enrichment(alert, 'image.signature').value).toBe('absent');
    expect(enrichment(alert, 'image.sbom').value).toBe('absent');
    const tool = await shop.subscriber.waitFor(container.id, 'network-tool');
    expect(enrichment(tool, 'process.package').value).toBe('no-ownership-data');
    const other = await shop.attack('nc 127.0.0.1 9');
    const signedTool = await shop.subscriber.waitFor(other.id, 'network-tool');
    expect(enrichment(tool, 'decision').data.score).toBeGreaterThan(enrichment(signedTool, 'decision').data.score);
  });
});

describe('the first program of a container that lives some milliseconds', () => {
  it('is attributed to container and image', async () => {
    const container = await shop.attack('cp /bin/busybox /x; exec /x true', {
      command: ['/bin/sh', '-c', 'cp /bin/busybox /x; exec /x true'],
    });
    await container.wait();
    await container.remove();
    const alert = await shop.subscriber.waitFor(container.id, 'exec-drift');
    expect(alert.event.data.evidences[0].container.name).toBe(container.name);
    expect(enrichment(alert, 'image.signature').value).toBe('verified');
  });
});

describe('a container that does its work', () => {
  it('causes no alert', async () => {
    const container = await shop.attack(
      'ls / /etc; cat /etc/os-release > /tmp/copy; rm /tmp/copy; id; mkdir /tmp/d; sleep 1; chmod 700 /tmp/d',
    );
    await container.wait();
    // What follows it has been told, so what it caused would have been told as well.
    const marker = await shop.attack('/bin/actor memfd-exec /bin/busybox true');
    await shop.subscriber.waitFor(marker.id, 'exec-fileless');
    expect(shop.subscriber.ofContainer(container.id).map((alert) => alert.subject)).toEqual([]);
  });
});
