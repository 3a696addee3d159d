import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type PushedImage, pushImage } from '../../test/support/papers-lab.ts';
import {
  attachReferrer,
  deleteManifest,
  fixturePath,
  pushBlob,
  pushManifest,
  readFixture,
} from '../../test/support/push-papers.ts';
import { trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { attachBundle, attestSbom, generateSigningKey, signImage, signStatement } from '../../test/support/sign.ts';
import { githubIssuer, startSigstore, workflow } from '../../test/support/sigstore.ts';
import { type LookUpResult, lookUpImage } from './look-up.ts';
import type { ImageQuery } from './papers.ts';
import { RegistryClient } from './registry/client.ts';
import { noCredentials } from './registry/credentials.ts';
import { loadNotationStore } from './trust/notation-store.ts';
import { trustOf } from './trust/trust.ts';

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

  it('verifies what an identity signed in the repositories it may sign, and nowhere else', async () => {
    const [image, sigstore] = [await pushImage(registry), await startSigstore('acme')];
    const statement = signStatement(image.digest);
    const bundle = await sigstore.mint({ content: { statement }, log: 'rekor1' });
    await attachBundle(image, Buffer.from(JSON.stringify(bundle)), 'https://sigstore.dev/cosign/sign/v1');
    const lookUpWith = (images: readonly string[]) => {
      const identity = {
        ...{ name: 'release', root: 'acme', issuer: githubIssuer, subjectText: workflow, sourceRepository: undefined },
        isSubject: (subject: string) => subject === workflow,
        images,
      };
      const keyless = trustOf({ roots: [sigstore.root()], identities: [identity] });
      return lookUpImage(image.query, { client, trust: keyless, signal: AbortSignal.timeout(20_000) });
    };
    const here = `${new URL(registry.url).host}/${image.repository}`;
    expect((await lookUpWith([here])).signature).toMatchObject({
      outcome: 'verified',
      signer: { identity: 'release', certificate: { issuer: githubIssuer } },
    });
    expect((await lookUpWith([`${here}-other`])).signature).toMatchObject({
      outcome: 'untrusted',
      records: [{ failedStep: 'identity' }],
    });
  });

  it('verifies what notation signed', async () => {
    const target = { registry, repository: 'notation/app' };
    await pushBlob(target, Buffer.from('{}'));
    const manifest = readFixture('notation/manifest.json');
    const { digest } = await pushManifest(target, manifest, 'application/vnd.oci.image.manifest.v1+json', 'v1');
    for (const [file, mediaType] of [
      ['es256.jws.json', 'application/jose+json'],
      ['es256.cose', 'application/cose'],
    ] as const)
      await attachReferrer(target, digest, {
        artifactType: 'application/vnd.cncf.notary.signature',
        layers: [{ mediaType, bytes: readFixture(`notation/${file}`) }],
      });
    const caFiles = [fixturePath('notation/acme-ca.pem')];
    const store = loadNotationStore({ name: 'acme', caFiles, identities: ['x509.subject: O=Acme'], images: undefined });
    const reference = `${new URL(registry.url).host}/notation/app`;
    const query: ImageQuery = {
      ...{
        reference: `${reference}:v1`,
        repoDigests: [`${reference}@${digest}`],
        configDigest: '',
        targetDigest: digest,
      },
      platform: 'linux/amd64',
    };
    // Its certificates are valid from the day they were made.
    vi.setSystemTime(Date.parse('2026-11-25T00:00:00Z'));
    const trusting = { client, trust: trustOf({ notation: [store] }), signal: AbortSignal.timeout(20_000) };
    const { signature } = await lookUpImage(query, trusting).finally(() => vi.useRealTimers());
    expect(signature.records.map(({ format, outcome }) => [format, outcome])).toEqual([
      ['notation', 'verified'],
      ['notation', 'unknown'],
    ]);
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
