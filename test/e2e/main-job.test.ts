import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlertSubscriber, type ReceivedAlert } from '../support/alert-subscriber.ts';
import { buildDebianRoot, type DebianRoot, purlOf, pushImage, spdxOf } from '../support/debian-image.ts';
import { type RunOptions, runContainer, type TestContainer } from '../support/docker.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type RegistryProcess, startRegistry } from '../support/registry.ts';
import { attestSbom, generateSigningKey, signImage } from '../support/sign.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

/*
 * The main job: an image with a real dpkg database in a real registry, signed and with an SBOM; a container of it that is
 * attacked; a stranger's NATS subscriber and an OTLP receiver that must be told all of it.
 */
const key = generateSigningKey();
const folder = mkdtempSync(join(tmpdir(), 'tallyman-e2e-'));
const keyFile = join(folder, 'release.pub');

let registry: RegistryProcess;
let nats: TestNatsServer;
let otlp: OtlpReceiver;
let tallyman: TallymanProcess;
let subscriber: AlertSubscriber;
let root: DebianRoot;
let signed: { reference: string; digest: string };
let unsigned: { reference: string; digest: string };
const containers: TestContainer[] = [];

beforeAll(async () => {
  writeFileSync(keyFile, key.publicKeyPem);
  [registry, nats, otlp, root] = await Promise.all([
    startRegistry(),
    startNatsServer(),
    startOtlpReceiver(),
    buildDebianRoot(),
  ]);
  signed = await push('acme/checkout', '4.2.1');
  unsigned = await push('acme/tools', 'latest');
  const target = { registry, repository: 'acme/checkout', digest: signed.digest, key };
  await signImage({ ...target, format: 'bundle' });
  await attestSbom({
    ...target,
    predicate: spdxOf(root, signed.reference),
    predicateType: 'https://spdx.dev/Document',
  });
  tallyman = await startTallyman([
    ...['--nats-url', nats.url, '--otlp-endpoint', otlp.endpoint, '--cosign-key', keyFile],
    ...['--insecure-registry', registry.hostPort, '--cluster', 'test'],
  ]);
  subscriber = await AlertSubscriber.connect(nats.url);
});

afterAll(async () => {
  for (const container of containers) await container.remove();
  await subscriber?.close();
  await tallyman?.stop();
  await Promise.all([registry?.stop(), nats?.close(), otlp?.stop()]);
  root?.remove();
  rmSync(folder, { recursive: true });
});

/** A marker file makes the images differ, so that their digests do. */
async function push(repository: string, tag: string): Promise<{ reference: string; digest: string }> {
  writeFileSync(join(root.directory, 'etc/image-name'), repository);
  const reference = `${registry.hostPort}/${repository}:${tag}`;
  return { reference, digest: await pushImage(root.directory, reference) };
}

async function attack(script: string, options: Partial<RunOptions> = {}): Promise<TestContainer> {
  const container = await runContainer({
    image: signed.reference,
    command: ['/bin/sh', '-c', `${script}; sleep 1`],
    ...options,
  });
  containers.push(container);
  return container;
}

// biome-ignore lint/suspicious/noExplicitAny: enrichments are looked at as a stranger would
function enrichment(alert: ReceivedAlert, name: string): any {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return alert.event.data.enrichments.find((each: any) => each.name === name);
}

/** Names of a process and its parents, leaf first. */
// biome-ignore lint/suspicious/noExplicitAny: as above
function chain(process: any): string[] {
  return process === undefined ? [] : [process.cmd_line, ...chain(process.parent_process)];
}

function spanOf(alert: ReceivedAlert, predicate: (span: ReceivedSpan) => boolean): ReceivedSpan {
  const [, traceId] = alert.traceparent.split('-');
  const found = otlp.spans.filter((span) => span.traceId === traceId && predicate(span));
  expect(found).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

describe('a program dropped into a container of a signed image', () => {
  let container: TestContainer;
  let alert: ReceivedAlert;

  beforeAll(async () => {
    container = await attack('cp /bin/actor /tmp/.x; sh -c "/tmp/.x listen 4999; :"', { labels: { team: 'payments' } });
    alert = await subscriber.waitFor(container.id, 'exec-drift');
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
    expect(JSON.stringify(evidence.image)).toContain(signed.digest);
    expect(JSON.stringify(evidence.image)).toContain('4.2.1');
  });

  it('says what the papers of the image say', () => {
    expect(enrichment(alert, 'image.signature')).toMatchObject({
      value: 'verified',
      data: { signer: { name: 'release', key_fingerprint: key.fingerprint } },
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
    await otlp.waitFor(
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
    expect(otlp.logs.filter((log) => log.spanId === alertSpanId)).toHaveLength(1);
    expect(otlp.refused).toEqual([]);
  });

  it('is what the HTTP API and the command show', async () => {
    const stored = await (await fetch(`${tallyman.api}/api/v1/alerts/${alert.event.id}`)).json();
    expect(stored).toEqual(alert.event);
  });
});

describe('other attacks on the signed image', () => {
  it('sees a program executed from memory', async () => {
    const container = await attack('/bin/actor memfd-exec /bin/busybox true');
    const alert = await subscriber.waitFor(container.id, 'exec-fileless');
    expect(['high', 'critical']).toContain(enrichment(alert, 'decision').value);
    expect(enrichment(alert, 'process.package').value).toBe('not-in-image');
  });

  it('sees a reverse shell with its peer', async () => {
    const container = await attack(
      '/bin/actor listen 4444 & sleep 0.3; /bin/actor reverse 127.0.0.1 4444 /bin/sh -c true; wait',
    );
    const alert = await subscriber.waitFor(container.id, 'reverse-shell');
    expect(['high', 'critical']).toContain(enrichment(alert, 'decision').value);
    expect(JSON.stringify(alert.event.data)).toContain('127.0.0.1');
  });

  it('names the package of a tool of the image, and says when no package owns a program', async () => {
    const container = await attack('nc 127.0.0.1 9; /bin/actor connect 169.254.169.254 80');
    const busybox = root.packages.find((each) => each.name === 'busybox-static');
    const tool = await subscriber.waitFor(container.id, 'network-tool');
    expect(enrichment(tool, 'process.package')).toMatchObject({ value: 'owned' });
    expect(JSON.stringify(enrichment(tool, 'process.package').data)).toContain(purlOf(busybox ?? root.packages[0]!));
    const metadata = await subscriber.waitFor(container.id, 'net-metadata-service');
    expect(enrichment(metadata, 'process.package')).toMatchObject({ value: 'unowned' });
    expect(metadata.event.data.evidences[0].dst_endpoint).toMatchObject({ ip: '169.254.169.254', port: 80 });
  });

  it('sees a denied capability and a dangerous one that is used', async () => {
    const denied = await attack('/bin/actor mount', { securityOpt: ['seccomp=unconfined'] });
    expect((await subscriber.waitFor(denied.id, 'cap-denied')).event.data.finding_info.title).toContain(
      'CAP_SYS_ADMIN',
    );
    const used = await attack('/bin/actor mount', { capAdd: ['SYS_ADMIN'] });
    await subscriber.waitFor(used.id, 'cap-dangerous-use');
  });

  it('sees an interactive shell put into a running container', async () => {
    const container = await attack('sleep 5');
    const { docker } = await import('../support/docker.ts');
    const exec = await docker
      .getContainer(container.id)
      .exec({ Cmd: ['/bin/sh'], Tty: true, AttachStdin: true, AttachStdout: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    await subscriber.waitFor(container.id, 'shell-interactive');
    stream.end('exit\n');
  });
});

describe('how a container was started', () => {
  it('reports runtime sockets and host namespaces', async () => {
    const container = await attack('sleep 1', {
      binds: ['/var/run/docker.sock:/var/run/docker.sock'],
      pidMode: 'host',
    });
    expect(
      enrichment(await subscriber.waitFor(container.id, 'posture-runtime-socket'), 'container.posture').value,
    ).not.toBe('default');
    await subscriber.waitFor(container.id, 'posture-host-namespace');
  });

  it('reports a privileged container when it is created, whether or not it may start', async () => {
    const { docker } = await import('../support/docker.ts');
    const created = await docker.createContainer({
      Image: signed.reference,
      Cmd: ['/bin/true'],
      HostConfig: { Privileged: true, NetworkMode: 'none' },
    });
    try {
      expect(enrichment(await subscriber.waitFor(created.id, 'posture-privileged'), 'container.posture').value).toBe(
        'privileged',
      );
    } finally {
      await created.remove({ force: true });
    }
  });
});

describe('an image without papers', () => {
  it('says that they are absent, and weighs more', async () => {
    const container = await attack('cp /bin/busybox /tmp/.y; /tmp/.y true; nc 127.0.0.1 9', {
      image: unsigned.reference,
    });
    const alert = await subscriber.waitFor(container.id, 'exec-drift');
    expect(enrichment(alert, 'image.signature').value).toBe('absent');
    expect(enrichment(alert, 'image.sbom').value).toBe('absent');
    const tool = await subscriber.waitFor(container.id, 'network-tool');
    expect(enrichment(tool, 'process.package').value).toBe('no-ownership-data');
    const signedTool = subscriber.alerts.find(
      (each) => each.subject.endsWith('network-tool') && enrichment(each, 'image.signature').value === 'verified',
    );
    expect(enrichment(tool, 'decision').data.score).toBeGreaterThan(
      enrichment(signedTool as ReceivedAlert, 'decision').data.score,
    );
  });
});

describe('the first program of a container that lives some milliseconds', () => {
  it('is attributed to container and image', async () => {
    const container = await attack('cp /bin/busybox /x; exec /x true', {
      command: ['/bin/sh', '-c', 'cp /bin/busybox /x; exec /x true'],
    });
    await container.wait();
    await container.remove();
    containers.pop();
    const alert = await subscriber.waitFor(container.id, 'exec-drift');
    expect(alert.event.data.evidences[0].container.name).toBe(container.name);
    expect(enrichment(alert, 'image.signature').value).toBe('verified');
  });
});

describe('a container that does its work', () => {
  it('causes no alert', async () => {
    const container = await attack(
      'ls / /etc; cat /etc/os-release > /tmp/copy; rm /tmp/copy; id; mkdir /tmp/d; sleep 1; chmod 700 /tmp/d',
    );
    await container.wait();
    // What follows it has been told, so what it caused would have been told as well.
    const marker = await attack('/bin/actor memfd-exec /bin/busybox true');
    await subscriber.waitFor(marker.id, 'exec-fileless');
    expect(subscriber.ofContainer(container.id).map((alert) => alert.subject)).toEqual([]);
  });
});
