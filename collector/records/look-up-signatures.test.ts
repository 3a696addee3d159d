import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PushedImage, pushImage } from '../../test/support/papers-lab.ts';
import { attachReferrer, deleteManifest, readFixture } from '../../test/support/push-papers.ts';
import { trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { attestSbom, generateSigningKey, signImage } from '../../test/support/sign.ts';
import { type LookUpResult, lookUpImage } from './look-up.ts';
import type { ImageQuery } from './papers.ts';
import { RegistryClient } from './registry/client.ts';
import { noCredentials } from './registry/docker-config.ts';

const spdx: unknown = JSON.parse(readFixture('documents/spdx-json.json').toString('utf8'));
const spdxPredicate = 'https://spdx.dev/Document';
const key = generateSigningKey();
const stranger = generateSigningKey();
const trust = trustIn([{ name: 'team', fingerprint: key.fingerprint, key: key.publicKey }]);
const client = new RegistryClient({
  insecureRegistries: [],
  allowedHosts: [],
  credentials: noCredentials,
  userAgent: 'test',
  maxAttempts: 1,
});
let registry: RegistryProcess;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => {
  client.close();
  await registry?.stop();
});

const lookUp = ({ query }: { query: ImageQuery }): Promise<LookUpResult> =>
  lookUpImage(query, { client, trust, signal: AbortSignal.timeout(20_000) });

describe('signatures', () => {
  it.each(['bundle', 'legacy'] as const)('verifies a %s, and calls a stranger’s untrusted', async (format) => {
    const image = await pushImage(registry);
    await signImage({ ...image, key, format });
    expect((await lookUp(image)).signature).toMatchObject({
      outcome: 'verified',
      signer: { name: 'team', keyFingerprint: key.fingerprint },
    });
    const other = await pushImage(registry);
    await signImage({ ...other, key: stranger, format });
    expect((await lookUp(other)).signature.outcome).toBe('untrusted');
  });

  it.each(['bundle', 'legacy'] as const)('refuses a %s made for another image and hung on this one', async (format) => {
    const [image, other] = [await pushImage(registry), await pushImage(registry)];
    await signImage({ ...image, key, format, claimedDigest: other.digest });
    const { signature } = await lookUp(image);
    expect(signature.outcome).toBe('invalid');
    expect(signature.reason).toContain(`expected ${image.digest}, found ${other.digest}`);
  });

  it('reports each of several, and one verified is enough', async () => {
    const image = await pushImage(registry);
    await signImage({ ...image, key: stranger, format: 'bundle' });
    await signImage({ ...image, key, format: 'bundle', claimedDigest: `sha256:${'0'.repeat(64)}` });
    await signImage({ ...image, key, format: 'legacy' });
    const { signature } = await lookUp(image);
    expect(signature.outcome).toBe('verified');
    expect(signature.records.map(({ outcome, format }) => [outcome, format])).toEqual([
      ['verified', 'cosign-legacy'],
      ['invalid', 'cosign-bundle'],
      ['untrusted', 'cosign-bundle'],
    ]);
  });

  it('lists a Notation signature as unknown: found, not checked', async () => {
    const image = await pushImage(registry);
    const layers = [{ mediaType: 'application/jose+json', bytes: Buffer.from('{}') }];
    await attachReferrer(image, image.digest, { artifactType: 'application/vnd.cncf.notary.signature', layers });
    expect((await lookUp(image)).signature).toMatchObject({ outcome: 'unknown', records: [{ format: 'notation' }] });
  });

  it('does not count an attestation as a signature', async () => {
    const image = await pushImage(registry);
    await attestSbom({ ...image, key, predicate: spdx, predicateType: spdxPredicate });
    const result = await lookUp(image);
    expect(result.signature.outcome).toBe('absent');
    expect(result.sbom.paper.outcome).toBe('verified');
  });

  it('is unknown, never absent, when a listed referrer is not there', async () => {
    const image = await pushImage(registry);
    const { digest } = await signImage({ ...image, key: stranger, format: 'bundle' });
    await deleteManifest(image, digest);
    const { signature, problems } = await lookUp(image);
    expect(signature.outcome).toBe('unknown');
    expect(signature.reason).toContain('listed but not there');
    expect(problems).toMatchObject([{ code: 'PAPER_MISSING' }]);
  });
});

describe('a registry that fails in part', () => {
  /** The real registry behind a proxy that answers 500 where `breaks` says so. */
  async function behindBroken(
    image: PushedImage,
    breaks: (url: string) => boolean,
  ): Promise<{ query: ImageQuery; server: Server }> {
    const server = createServer(async (request, response) => {
      if (breaks(request.url ?? '')) return void response.writeHead(500).end();
      const upstream = await fetch(`${registry.url}${request.url}`, {
        headers: { accept: request.headers.accept ?? '*/*' },
      });
      response.writeHead(upstream.status, { 'content-type': upstream.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await upstream.arrayBuffer()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
      server,
      query: {
        ...image.query,
        repoDigests: image.query.repoDigests.map((text) => text.replace(registry.hostPort, host)),
      },
    };
  }

  it.each([
    ['/referrers/', 'unknown', 'unknown'],
    ['.sig', 'unknown', 'absent'],
    ['.sbom', 'absent', 'unknown'],
    ['.att', 'unknown', 'unknown'],
  ])('failing at %s leaves the signature %s and the SBOM %s', async (part, signature, sbom) => {
    const { server, query } = await behindBroken(await pushImage(registry), (url) => url.includes(part));
    try {
      const result = await lookUp({ query });
      expect([result.signature.outcome, result.sbom.paper.outcome]).toEqual([signature, sbom]);
      expect(result.problems.every(({ code }) => code === 'REGISTRY_SERVER_ERROR')).toBe(true);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('still shows a signature that was found and holds', async () => {
    const image = await pushImage(registry);
    await signImage({ ...image, key, format: 'legacy' });
    const { server, query } = await behindBroken(image, (url) => url.includes('/referrers/'));
    try {
      expect((await lookUp({ query })).signature.outcome).toBe('verified');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
