import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlertSubscriber, type ReceivedAlert } from './alert-subscriber.ts';
import { buildDebianRoot, type DebianRoot, pushImage, spdxOf } from './debian-image.ts';
import { docker, type RunOptions, runContainer, type TestContainer } from './docker.ts';
import { startNatsServer, type TestNatsServer } from './nats.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';
import { type RegistryProcess, startRegistry } from './registry.ts';
import { attestSbom, generateSigningKey, type SigningKey, signImage } from './sign.ts';
import { startTallyman, type TallymanProcess } from './tallyman.ts';

export interface PushedImage {
  reference: string;
  digest: string;
}

/**
 * A small company: a registry with an image that its release pipeline signed and wrote an SBOM for, and one without any
 * papers; NATS, a trace backend, and Tallyman watching. All of it real, on loopback, and gone after `close`.
 */
export class Shop {
  readonly key: SigningKey = generateSigningKey();
  registry!: RegistryProcess;
  nats!: TestNatsServer;
  otlp!: OtlpReceiver;
  tallyman!: TallymanProcess;
  subscriber!: AlertSubscriber;
  root!: DebianRoot;
  signed!: PushedImage;
  unsigned!: PushedImage;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tallyman-shop-'));
  readonly #containers: TestContainer[] = [];

  static async open(): Promise<Shop> {
    const shop = new Shop();
    await shop.#open().catch(async (error: unknown) => {
      await shop.close();
      throw error;
    });
    return shop;
  }

  async #open(): Promise<void> {
    const keyFile = join(this.#folder, 'release.pub');
    writeFileSync(keyFile, this.key.publicKeyPem);
    const servers = Promise.all([startRegistry(), startNatsServer(), startOtlpReceiver(), buildDebianRoot()]);
    [this.registry, this.nats, this.otlp, this.root] = await servers;
    this.signed = await this.push('acme/checkout', '4.2.1');
    this.unsigned = await this.push('acme/tools', 'latest');
    const target = { registry: this.registry, repository: 'acme/checkout', digest: this.signed.digest, key: this.key };
    await signImage({ ...target, format: 'bundle' });
    const predicate = spdxOf(this.root, this.signed.reference);
    await attestSbom({ ...target, predicate, predicateType: 'https://spdx.dev/Document' });
    this.tallyman = await startTallyman([
      ...['--nats-url', this.nats.url, '--otlp-endpoint', this.otlp.endpoint, '--cosign-key', keyFile],
      ...['--insecure-registry', this.registry.hostPort, '--cluster', 'test'],
    ]);
    this.subscriber = await AlertSubscriber.connect(this.nats.url);
  }

  /** Pushes the root as an image. A marker file makes the images differ, so that their digests do. */
  async push(repository: string, tag: string): Promise<PushedImage> {
    writeFileSync(join(this.root.directory, 'etc/image-name'), repository);
    const reference = `${this.registry.hostPort}/${repository}:${tag}`;
    return { reference, digest: await pushImage(this.root.directory, reference) };
  }

  /** Runs a script in a container of the signed image; it stays a second longer, and until `close`. */
  async attack(script: string, options: Partial<RunOptions> = {}): Promise<TestContainer> {
    const command = ['/bin/sh', '-c', `${script}; sleep 1`];
    const container = await runContainer({ image: this.signed.reference, command, ...options });
    this.#containers.push(container);
    return container;
  }

  async close(): Promise<void> {
    for (const container of this.#containers) await container.remove();
    await this.subscriber?.close();
    await this.tallyman?.stop();
    for (const image of [this.signed, this.unsigned]) if (image !== undefined) await removeImage(image.reference);
    await Promise.all([this.registry?.stop(), this.nats?.close(), this.otlp?.stop()]);
    this.root?.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** By its id: removing a name only would leave the image behind. */
async function removeImage(reference: string): Promise<void> {
  const { Id } = await docker.getImage(reference).inspect();
  await docker.getImage(Id).remove({ force: true });
}

// biome-ignore lint/suspicious/noExplicitAny: enrichments are looked at as a stranger would
export function enrichment(alert: ReceivedAlert, name: string): any {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return alert.event.data.enrichments.find((each: any) => each.name === name);
}
