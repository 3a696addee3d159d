import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Collector, createCollector } from '../../collector/collector.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { type Item, UplinkServiceClient } from '../../proto/generated/tallyman/v1/uplink.ts';
import { AlertSubscriber } from '../support/alert-subscriber.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats.ts';
import { type PushedImage, pushImage } from '../support/papers-lab.ts';
import { deleteManifest, fetchManifest } from '../support/push-papers.ts';
import { type RegistryProcess, startRegistry } from '../support/registry.ts';
import { attestSbom, generateSigningKey, signImage } from '../support/sign.ts';

const key = generateSigningKey();
const containerId = 'c'.repeat(64);
const directory = mkdtempSync(join(tmpdir(), 'tallyman-currency-'));
const updateType = 'io.tallyman.alert.update.v1';

describe('papers that change while their image runs', () => {
  let nats: TestNatsServer;
  let registry: RegistryProcess;
  let subscriber: AlertSubscriber;
  let collector: Collector;
  let image: PushedImage;

  async function startCollector(): Promise<void> {
    const parts = { logger: silentLogger, metrics: new Metrics('collector'), environment: {} };
    const options = {
      ...{ dataDir: join(directory, 'data'), nats: { url: nats.url }, keyFiles: [join(directory, 'team.pub')] },
      ...{ uplink: { listenAddress: '127.0.0.1:0' }, http: { listenAddress: '127.0.0.1:0' }, maxPapersAgeMs: 1_000 },
    };
    collector = createCollector(options, parts);
    await collector.start();
  }

  beforeAll(async () => {
    [nats, registry] = await Promise.all([startNatsServer(), startRegistry()]);
    writeFileSync(join(directory, 'team.pub'), key.publicKeyPem);
    image = await pushImage(registry);
    await startCollector();
    subscriber = await AlertSubscriber.connect(nats.url);
    const { query } = image;
    const container = Container.fromPartial({
      ...{ id: containerId, name: 'app', namespace: 'shop', state: ContainerState.RUNNING, image: query },
    });
    await tell(collector.address, [
      { item: { $case: 'containerUpdate', value: { container } } } as Item,
      { item: { $case: 'finding', value: drift(container) } },
    ]);
  });
  afterAll(async () => {
    await subscriber?.close();
    await collector?.close();
    await Promise.all([nats?.close(), registry?.stop()]);
    rmSync(directory, { recursive: true, force: true });
  });

  const updates = () =>
    subscriber.alerts.filter(({ event }) => event.type === updateType && event.data.finding_info.uid === 'drift-1');
  const latest = (change: string) => () => updates().find(({ event }) => event.data.comment?.includes(change));
  const outcomeOf = (event: { data: { enrichments: { name: string; value: string }[] } }, name: string) =>
    event.data.enrichments.find((entry) => entry.name === name)?.value;

  it('are absent in the alert at first', async () => {
    const { event } = await subscriber.waitFor(containerId, 'exec-drift');
    expect([outcomeOf(event, 'image.signature'), outcomeOf(event, 'image.sbom')]).toEqual(['absent', 'absent']);
    expect(event.data.is_alert).toBe(true);
  });

  it('turn the alert into another once the image is signed, and subscribers are told', async () => {
    await signImage({ ...image, key, format: 'bundle' });
    await expect.poll(latest('signature: absent → verified (team)'), { timeout: 20_000 }).toBeDefined();
    const update = latest('signature: absent → verified (team)')();
    expect(update?.messageId).toMatch(/^drift-1:decided:\d+$/);
    expect(update?.event.data).toMatchObject({ activity_id: 2, type_uid: 200402, is_alert: false });
    expect(outcomeOf(update?.event, 'image.signature')).toBe('verified');
  });

  it('name an SBOM that came late', async () => {
    const predicate = { spdxVersion: 'SPDX-2.3', packages: [{ SPDXID: 'SPDXRef-a', name: 'a', versionInfo: '1' }] };
    await attestSbom({ ...image, key, predicate, predicateType: 'https://spdx.dev/Document' });
    await expect.poll(latest('sbom: absent → verified (team)'), { timeout: 20_000 }).toBeDefined();
    const response = await fetch(`${collector.httpUrl}/api/v1/alerts/drift-1`);
    const now = (await response.json()) as Parameters<typeof outcomeOf>[0] & { type: string };
    expect([now.type, outcomeOf(now, 'image.sbom')]).toEqual(['io.tallyman.alert.v1', 'verified']);
  });

  it('that are taken away raise an alert of their own and wake, also after a restart', async () => {
    await collector.close();
    const list = await fetchManifest(image, image.digest.replace(':', '-'));
    await deleteManifest(image, list?.descriptor.digest ?? '');
    const sbom = updates().length;
    await startCollector();
    const lost = await subscriber.waitFor(containerId, 'image-trust-lost', 20_000);
    expect(lost.event.data.severity).toBe('High');
    expect(lost.event.data.finding_info.title).toMatch(/was signed, verified \(team\), and is not any more/);
    await expect.poll(() => updates().length, { timeout: 20_000 }).toBeGreaterThan(sbom);
    expect(updates().at(-1)?.event.data.comment).toContain('signature: verified (team) → ');
  });

  it('that come back end it', async () => {
    await signImage({ ...image, key, format: 'legacy' });
    const end = () =>
      subscriber.alerts.find(({ event }) => event.data.status_detail?.startsWith('its signature holds again'));
    await expect.poll(end, { timeout: 20_000 }).toBeDefined();
    expect(end()?.event.data.activity_name).toBe('Close');
  });

  it('are lost as well when their key is no longer trusted', async () => {
    await collector.close();
    writeFileSync(join(directory, 'team.pub'), generateSigningKey().publicKeyPem);
    await startCollector();
    const lost = () =>
      subscriber.alerts.find(({ event }) => event.data.finding_info.title.includes('is not any more: untrusted'));
    await expect.poll(lost, { timeout: 20_000 }).toBeDefined();
  });
});

function drift(container: Container): Finding {
  return Finding.fromPartial({
    ...{ findingId: 'drift-1', ruleId: 'exec-drift', ruleTitle: 'Program written at run time executed', severity: 4 },
    summary: '/tmp/x was written at run time and then executed',
    event: { kind: 'exec', timeUnixNs: BigInt(Date.now()) * 1_000_000n, evidence: { $case: 'exec', value: {} } },
    processes: [{ executionId: 'b:1:2:3', pid: 7, executable: { path: '/tmp/x', layer: 2 }, argv: ['/tmp/x'] }],
    ...{ container, dataComplete: true, ancestryComplete: true },
  });
}

/** As an agent would: one batch, and wait for its acknowledgement. */
async function tell(address: string, items: Item[]): Promise<void> {
  const client = new UplinkServiceClient(address, credentials.createInsecure());
  const call = client.connect();
  call.on('error', () => undefined);
  const acknowledged = new Promise<void>((resolve) =>
    call.on('data', ({ message }) => message?.$case === 'ack' && resolve()),
  );
  const node = { name: 'node-1', bootId: '', kernelRelease: '6.18', architecture: '', osName: '' };
  const hello = { protocolVersion: 1, agentId: 'a', epoch: 1n, agentVersion: '0', node };
  call.write({ message: { $case: 'hello', value: hello } });
  call.write({ message: { $case: 'batch', value: { sequence: 1n, items } } });
  await acknowledged;
  call.cancel();
  client.close();
}
