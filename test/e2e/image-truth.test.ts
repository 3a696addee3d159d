import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../cli/test-support/run-cli.ts';
import { AlertSubscriber, type ReceivedAlert } from '../support/alert-subscriber.ts';
import { buildDebianRoot, type DebianRoot, pushImage, spdxOf } from '../support/debian-image.ts';
import { docker, runContainer, type TestContainer } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats.ts';
import { type RegistryProcess, startRegistry } from '../support/registry.ts';
import { attestSbom, generateSigningKey, signImage } from '../support/sign.ts';

/*
 * An image whose signed SBOM leaves out one package that is in it and names one that is not, and an image without an SBOM;
 * one collector, and two agents that both see all containers.
 */
const folder = mkdtempSync(join(tmpdir(), 'tallyman-truth-'));
const key = generateSigningKey();
/** Generous: three processes start on what may be a busy machine. */
const started = { timeout: 120_000, interval: 200 };
const containers: TestContainer[] = [];
const processes: ChildProcess[] = [];
let registry: RegistryProcess;
let nats: TestNatsServer;
let subscriber: AlertSubscriber;
let root: DebianRoot;
let lying: string;
let silent: string;
let ports: { http: number; uplink: number };

async function push(repository: string): Promise<{ reference: string; digest: string }> {
  writeFileSync(join(root.directory, 'etc/image-name'), repository);
  const reference = `${registry.hostPort}/${repository}:1`;
  return { reference, digest: await pushImage(root.directory, reference) };
}

function start(...args: string[]): ChildProcess {
  const child = spawn('./tallyman', args, { stdio: 'ignore' });
  processes.push(child);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

const startCollector = (): ChildProcess =>
  start(
    ...[
      'collector',
      '--data-dir',
      folder,
      '--listen',
      `127.0.0.1:${ports.uplink}`,
      '--http',
      `127.0.0.1:${ports.http}`,
    ],
    ...['--nats-url', nats.url, '--cosign-key', join(folder, 'release.pub')],
    ...['--insecure-registry', registry.hostPort, '--cluster', 'test'],
  );
const startAgent = (name: string): ChildProcess =>
  start('agent', '--collector', `127.0.0.1:${ports.uplink}`, '--node-name', name);

const api = () => `http://127.0.0.1:${ports.http}`;

async function metric(name: string): Promise<number> {
  const text = await fetch(`${api()}/metrics`).then(
    (response) => response.text(),
    () => '',
  );
  const line = text.split('\n').find((each) => each.startsWith(`tallyman_collector_${name} `));
  return Number(line?.split(' ')[1] ?? 0);
}

const told = (ruleId: string, image: string): ReceivedAlert[] =>
  subscriber.alerts.filter(
    ({ event }) =>
      event.data.finding_info.analytic.uid === ruleId &&
      event.data.resources.some((resource: { name?: string }) => resource.name === image),
  );

beforeAll(async () => {
  [registry, nats, root] = await Promise.all([startRegistry(), startNatsServer(), buildDebianRoot()]);
  ports = { http: await freePort(), uplink: await freePort() };
  writeFileSync(join(folder, 'release.pub'), key.publicKeyPem);
  const image = await push('acme/lying');
  [lying, silent] = [image.reference, (await push('acme/silent')).reference];
  const target = { registry, repository: 'acme/lying', digest: image.digest, key };
  await signImage({ ...target, format: 'bundle' });
  const packages = [
    ...root.packages.filter(({ name }) => name !== 'media-types'),
    { name: 'openssl', version: '3.0.0-1', architecture: 'amd64', files: [] },
  ];
  await attestSbom({
    ...{ ...target, predicate: spdxOf({ ...root, packages }, lying), predicateType: 'https://spdx.dev/Document' },
  });
  subscriber = await AlertSubscriber.connect(nats.url);
  startCollector();
  await vi.waitFor(async () => expect((await fetch(`${api()}/healthz`)).ok).toBe(true), started);
  for (const name of ['node-a', 'node-b']) startAgent(name);
  await vi.waitFor(async () => expect(await metric('ingest_agents')).toBe(2), started);
  for (const reference of [lying, lying, silent, silent, silent, silent, silent])
    containers.push(await runContainer({ image: reference, command: ['sh', '-c', 'sleep 600'] }));
}, 300_000);

afterAll(async () => {
  await subscriber?.close();
  for (const child of processes.toReversed()) await stop(child);
  for (const container of containers) await container.remove();
  for (const reference of [lying, silent])
    if (reference !== undefined) {
      const { Id } = await docker.getImage(reference).inspect();
      await docker.getImage(Id).remove({ force: true });
    }
  await Promise.all([registry?.stop(), nats?.close()]);
  root?.remove();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('an image and its SBOM', () => {
  it('that leaves a package out and claims another one is an alert that names both', async () => {
    await expect.poll(() => told('image-sbom-mismatch', lying).length, { timeout: 120_000 }).toBe(1);
    const { data } = told('image-sbom-mismatch', lying)[0]?.event ?? {};
    const { image } = data.evidences[0].data;
    expect(image.missing_from_sbom).toEqual({ total: 1, entries: [expect.stringMatching(/^media-types .* \(deb\)$/)] });
    expect(image.not_in_image).toEqual({ total: 1, entries: ['openssl 3.0.0-1 (deb)'] });
    expect(image.other_version).toBeUndefined();
    expect(data.finding_info.title).toContain('media-types');
    expect(data).toMatchObject({ is_alert: true, severity: 'Medium' });
  }, 300_000);

  it('that has none is told once, although five containers run it', async () => {
    await expect.poll(() => told('image-no-sbom', silent).length, { timeout: 120_000 }).toBe(1);
    expect(told('image-no-sbom', silent)[0]?.event.data.evidences[0].data.image.containers).toBeGreaterThan(0);
    expect(told('image-no-sbom', lying)).toEqual([]);
  }, 300_000);

  it('was read by exactly one of the agents', async () => {
    await expect
      .poll(() => metric('inventory_images{state="received"}'), { timeout: 120_000 })
      .toBeGreaterThanOrEqual(2);
    const [asked, received] = [
      await metric('inventory_requests_total{result="asked"}'),
      await metric('inventory_requests_total{result="received"}'),
    ];
    expect(asked).toBe(received);
    expect(await metric('inventory_deliveries_total{result="kept"}')).toBe(received);
  }, 300_000);

  it('is compared on request, and shown', async () => {
    const answer = await fetch(`${api()}/api/v1/images/${encodeURIComponent(lying)}/truth`);
    expect(await answer.json()).toMatchObject({
      reference: lying,
      declared: { outcome: 'verified', packages: 3 },
      contained: { inventory: 'received', packages: 3 },
      differences: { missingFromSbom: { total: 1 }, notInImage: { total: 1 }, otherVersion: { total: 0 } },
    });
    const shown = await runCli(['image', lying, '--truth', '--api', api()]);
    expect(shown.stdout).toMatch(/in the image, not in the SBOM \(1\)\n {2}media-types /);
    expect(shown.stdout).toMatch(/in the SBOM, not in the image \(1\)\n {2}openssl 3\.0\.0-1 \(deb\)/);
  }, 300_000);

  it('is not told again after agent and collector were started again', async () => {
    for (const child of processes.splice(0).toReversed()) await stop(child);
    startCollector();
    for (const name of ['node-a', 'node-b']) startAgent(name);
    await expect.poll(() => metric('truth_checks_total{result="compared"}'), { timeout: 120_000 }).toBeGreaterThan(0);
    await expect
      .poll(() => metric('image_findings_total{rule="image-no-sbom",result="known"}'), { timeout: 120_000 })
      .toBeGreaterThan(0);
    await sleep(2_000);
    expect(told('image-sbom-mismatch', lying)).toHaveLength(1);
    expect(told('image-no-sbom', silent)).toHaveLength(1);
    expect(await metric('inventory_requests_total{result="asked"}')).toBe(0);
  }, 300_000);
});
