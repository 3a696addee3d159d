import { PackageURL } from 'packageurl-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { purlOf } from '../support/debian-image.ts';
import { docker } from '../support/docker.ts';
import { enrichment, Shop } from '../support/shop.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop?.close());

describe('attacks on a container of a signed image', () => {
  it('sees a program executed from memory', async () => {
    const container = await shop.attack('/bin/actor memfd-exec /bin/busybox true');
    const alert = await shop.subscriber.waitFor(container.id, 'exec-fileless');
    expect(['high', 'critical']).toContain(enrichment(alert, 'decision').value);
    expect(enrichment(alert, 'process.package').value).toBe('not-in-image');
  });

  it('sees a reverse shell with its peer', async () => {
    const container = await shop.attack(
      '/bin/actor listen 4444 & sleep 0.3; /bin/actor reverse 127.0.0.1 4444 /bin/sh -c true; wait',
    );
    const alert = await shop.subscriber.waitFor(container.id, 'reverse-shell');
    expect(['high', 'critical']).toContain(enrichment(alert, 'decision').value);
    expect(JSON.stringify(alert.event.data)).toContain('127.0.0.1');
  });

  it('names the package of a tool of the image, and says when no package owns a program', async () => {
    const container = await shop.attack('nc 127.0.0.1 9; /bin/actor connect 169.254.169.254 80');
    const busybox = shop.root.packages.find((each) => each.name === 'busybox-static');
    const tool = await shop.subscriber.waitFor(container.id, 'network-tool');
    expect(enrichment(tool, 'process.package')).toMatchObject({ value: 'owned' });
    // Declared or found, whichever was there first: they spell the version differently.
    const canonical = (purl: string): string => PackageURL.fromString(purl).toString();
    const { purls } = enrichment(tool, 'process.package').data as { purls: string[] };
    expect(purls.map(canonical)).toContain(canonical(purlOf(busybox ?? shop.root.packages[0]!)));
    const metadata = await shop.subscriber.waitFor(container.id, 'net-metadata-service');
    expect(enrichment(metadata, 'process.package')).toMatchObject({ value: 'unowned' });
    expect(metadata.event.data.evidences[0].dst_endpoint).toMatchObject({ ip: '169.254.169.254', port: 80 });
  });

  it('sees a package manager in a running container', async () => {
    const container = await shop.attack('sleep 5');
    const exec = await docker
      .getContainer(container.id)
      .exec({ Cmd: ['/bin/busybox', 'dpkg', '-i', '/tmp/nothing.deb'] });
    await exec.start({});
    const alert = await shop.subscriber.waitFor(container.id, 'package-manager');
    expect(alert.event.data.finding_info.title).toContain('dpkg');
    expect(enrichment(alert, 'process.package').value).toBe('owned');
  });

  it('sees a denied capability and a dangerous one that is used', async () => {
    const denied = await shop.attack('/bin/actor mount', { securityOpt: ['seccomp=unconfined'] });
    expect((await shop.subscriber.waitFor(denied.id, 'cap-denied')).event.data.finding_info.title).toContain(
      'CAP_SYS_ADMIN',
    );
    const used = await shop.attack('/bin/actor mount', { capAdd: ['SYS_ADMIN'] });
    await shop.subscriber.waitFor(used.id, 'cap-mount');
  });

  it('sees an interactive shell put into a running container', async () => {
    const container = await shop.attack('sleep 5');
    const exec = await docker
      .getContainer(container.id)
      .exec({ Cmd: ['/bin/sh'], Tty: true, AttachStdin: true, AttachStdout: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    await shop.subscriber.waitFor(container.id, 'shell-interactive');
    stream.end('exit\n');
  });
});

describe('how a container was started', () => {
  it('reports runtime sockets and host namespaces', async () => {
    const container = await shop.attack('sleep 1', {
      binds: ['/var/run/docker.sock:/var/run/docker.sock'],
      pidMode: 'host',
    });
    expect(
      enrichment(await shop.subscriber.waitFor(container.id, 'posture-runtime-socket'), 'container.posture').value,
    ).not.toBe('default');
    await shop.subscriber.waitFor(container.id, 'posture-host-pid');
  });

  it('reports a privileged container when it is created, whether or not it may start', async () => {
    const created = await docker.createContainer({
      Image: shop.signed.reference,
      Cmd: ['/bin/true'],
      HostConfig: { Privileged: true, NetworkMode: 'none' },
    });
    try {
      expect(
        enrichment(await shop.subscriber.waitFor(created.id, 'posture-privileged'), 'container.posture').value,
      ).toBe('privileged');
    } finally {
      await created.remove({ force: true });
    }
  });
});
