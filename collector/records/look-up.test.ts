import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addToReferrersTag,
  attachReferrer,
  copyFixture,
  deleteManifest,
  fetchManifest,
  imageIndexType,
  imageManifestType,
  type PushTarget,
  pushBlob,
  pushManifest,
  readFixture,
} from '../../test/support/push-papers.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { attachSbom, attestSbom, generateSigningKey, signImage } from '../../test/support/sign.ts';
import { type LookUpResult, lookUpImage } from './look-up.ts';
import type { ImageQuery } from './papers.ts';
import { RegistryClient } from './registry/client.ts';
import { noCredentials } from './registry/docker-config.ts';

const key = generateSigningKey();
const stranger = generateSigningKey();
const keys = [{ name: 'team', fingerprint: key.fingerprint, key: key.publicKey }];
const spdx: unknown = JSON.parse(readFixture('documents/spdx-json.json').toString('utf8'));
const spdxPredicate = 'https://spdx.dev/Document';
const client = new RegistryClient({
  insecureRegistries: [],
  allowedHosts: [],
  credentials: noCredentials,
  userAgent: 'test',
  maxAttempts: 1,
});
let registry: RegistryProcess;
let images = 0;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => {
  client.close();
  await registry?.stop();
});

interface Image extends PushTarget {
  digest: string;
  query: ImageQuery;
}

/** A new one-layer image in a repository of its own. */
async function pushImage(): Promise<Image> {
  const target = { registry, repository: `acme/app-${images++}` };
  const config = await pushBlob(
    target,
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', n: images })),
    'application/vnd.oci.image.config.v1+json',
  );
  const layer = await pushBlob(target, Buffer.from('layer'), 'application/vnd.oci.image.layer.v1.tar');
  const manifest = { schemaVersion: 2, mediaType: imageManifestType, config, layers: [layer] };
  const { digest } = await pushManifest(target, manifest, imageManifestType, 'latest');
  const repository = `${registry.hostPort}/${target.repository}`;
  const query = {
    reference: repository,
    repoDigests: [`${repository}@${digest}`],
    configDigest: config.digest,
    targetDigest: '',
    platform: 'linux/amd64',
  };
  return { ...target, digest, query };
}

const lookUp = ({ query }: { query: ImageQuery }): Promise<LookUpResult> =>
  lookUpImage(query, { client, keys, signal: AbortSignal.timeout(20_000) });

describe('signatures', () => {
  it.each(['bundle', 'legacy'] as const)('verifies a %s, and calls a stranger’s untrusted', async (format) => {
    const image = await pushImage();
    await signImage({ ...image, key, format });
    expect((await lookUp(image)).signature).toMatchObject({
      outcome: 'verified',
      signer: { name: 'team', keyFingerprint: key.fingerprint },
    });
    const other = await pushImage();
    await signImage({ ...other, key: stranger, format });
    expect((await lookUp(other)).signature.outcome).toBe('untrusted');
  });

  it.each(['bundle', 'legacy'] as const)('refuses a %s made for another image and hung on this one', async (format) => {
    const [image, other] = [await pushImage(), await pushImage()];
    await signImage({ ...image, key, format, claimedDigest: other.digest });
    const { signature } = await lookUp(image);
    expect(signature.outcome).toBe('invalid');
    expect(signature.reason).toContain(`expected ${image.digest}, found ${other.digest}`);
  });

  it('reports each of several, and one verified is enough', async () => {
    const image = await pushImage();
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
    const image = await pushImage();
    const layers = [{ mediaType: 'application/jose+json', bytes: Buffer.from('{}') }];
    await attachReferrer(image, image.digest, { artifactType: 'application/vnd.cncf.notary.signature', layers });
    expect((await lookUp(image)).signature).toMatchObject({ outcome: 'unknown', records: [{ format: 'notation' }] });
  });

  it('does not count an attestation as a signature', async () => {
    const image = await pushImage();
    await attestSbom({ ...image, key, predicate: spdx, predicateType: spdxPredicate });
    const result = await lookUp(image);
    expect(result.signature.outcome).toBe('absent');
    expect(result.sbom.paper.outcome).toBe('verified');
  });

  it('is unknown, never absent, when a listed referrer is not there', async () => {
    const image = await pushImage();
    const { digest } = await signImage({ ...image, key: stranger, format: 'bundle' });
    await deleteManifest(image, digest);
    const { signature, problems } = await lookUp(image);
    expect(signature.outcome).toBe('unknown');
    expect(signature.reason).toContain('listed but not there');
    expect(problems).toMatchObject([{ code: 'PAPER_MISSING' }]);
  });
});

describe('SBOMs', () => {
  it('prefers a verified one without file lists to an unsigned one with them, and says what it refused', async () => {
    const image = await pushImage();
    const cyclonedx: unknown = JSON.parse(readFixture('documents/cyclonedx-json.json').toString('utf8'));
    await attachSbom({
      ...image,
      document: readFixture('documents/syft-json.json'),
      mediaType: 'application/vnd.syft+json',
    });
    expect((await lookUp(image)).sbom.paper).toMatchObject({ outcome: 'untrusted', format: 'syft' });
    await attestSbom({ ...image, key, predicate: cyclonedx, predicateType: 'https://cyclonedx.org/bom' });
    await attestSbom({
      ...image,
      key,
      predicate: spdx,
      predicateType: spdxPredicate,
      claimedDigest: `sha256:${'1'.repeat(64)}`,
    });
    const { paper } = (await lookUp(image)).sbom;
    expect(paper).toMatchObject({ outcome: 'verified', format: 'cyclonedx', signer: { name: 'team' } });
    expect(paper.reason).toContain('1 other rejected: it is about another image');
  });

  it('chooses the verified one that lists files', async () => {
    const image = await pushImage();
    const documents: [string, string][] = [
      ['cyclonedx-json', 'https://cyclonedx.org/bom'],
      ['spdx-json', spdxPredicate],
    ];
    for (const [file, predicateType] of documents) {
      const predicate: unknown = JSON.parse(readFixture(`documents/${file}.json`).toString('utf8'));
      await attestSbom({ ...image, key, predicate, predicateType });
    }
    expect((await lookUp(image)).sbom.paper).toMatchObject({ format: 'spdx-2.3', ownedFileCount: 2 });
  });

  it('tells broken, unread and stranger-signed apart', async () => {
    const broken = await pushImage();
    await attachSbom({
      ...broken,
      document: Buffer.from('{"spdxVersion":"SPDX-2.3","packages":['),
      mediaType: 'application/spdx+json',
    });
    expect((await lookUp(broken)).sbom.paper).toMatchObject({
      outcome: 'invalid',
      reason: expect.stringContaining('no complete JSON'),
    });
    const unread = await pushImage();
    await attachSbom({ ...unread, document: Buffer.from('<bom/>'), mediaType: 'application/vnd.cyclonedx+xml' });
    expect((await lookUp(unread)).sbom.paper).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('not supported'),
    });
    const foreign = await pushImage();
    await attestSbom({ ...foreign, key: stranger, predicate: spdx, predicateType: spdxPredicate });
    expect((await lookUp(foreign)).sbom.paper).toMatchObject({ outcome: 'untrusted', componentCount: 4 });
  });

  it('refuses a referrer whose subject is another image', async () => {
    const [image, other] = [await pushImage(), await pushImage()];
    const target = { registry, repository: image.repository };
    const theirs = await fetchManifest(other, other.digest);
    await copyImage(other, target, theirs?.bytes ?? Buffer.alloc(0));
    const { artifactType: _none, ...pushed } = await attachSbom({
      ...target,
      digest: other.digest,
      document: readFixture('documents/spdx-json.json'),
      mediaType: 'application/spdx+json',
    });
    await addToReferrersTag(target, image.digest, pushed);
    expect((await lookUp(image)).sbom.paper).toMatchObject({
      outcome: 'invalid',
      reason: expect.stringContaining('another image'),
    });
  });
});

async function copyImage(from: PushTarget, to: PushTarget, manifest: Buffer): Promise<void> {
  const { config, layers } = JSON.parse(manifest.toString('utf8')) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  for (const { digest } of [config, ...layers]) {
    const response = await fetch(`${from.registry.url}/v2/${from.repository}/blobs/${digest}`);
    await pushBlob(to, Buffer.from(await response.arrayBuffer()));
  }
  await pushManifest(to, manifest, imageManifestType);
}

describe('BuildKit attestation manifests', () => {
  const inToto = 'application/vnd.in-toto+json';
  const statementBytes = (digest: string, predicateType: string, predicate: unknown): Buffer =>
    Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        subject: [{ name: '_', digest: { sha256: digest.slice(7) } }],
        predicateType,
        predicate,
      }),
    );

  /** The image's index as BuildKit pushes it, with an SBOM, a scan of a build stage, and provenance. */
  async function pushIndex(image: Image, subject = image.digest): Promise<Image> {
    const provenance = {
      builder: { id: 'https://ci/run/1' },
      invocation: { configSource: { uri: 'https://git.example/app.git' } },
    };
    const stage = {
      spdxVersion: 'SPDX-2.3',
      name: 'sbom-builder',
      packages: [{ SPDXID: 'SPDXRef-c', name: 'compiler' }],
    };
    const parts: [string, unknown][] = [
      [spdxPredicate, spdx],
      [spdxPredicate, stage],
      ['https://slsa.dev/provenance/v0.2', provenance],
    ];
    const layers = [];
    for (const [type, predicate] of parts)
      layers.push({
        ...(await pushBlob(image, statementBytes(subject, type, predicate), inToto)),
        annotations: { 'in-toto.io/predicate-type': type },
      });
    const config = await pushBlob(image, Buffer.from('{}'), 'application/vnd.oci.image.config.v1+json');
    const attestation = await pushManifest(
      image,
      { schemaVersion: 2, mediaType: imageManifestType, config, layers },
      imageManifestType,
    );
    const manifests = [
      { mediaType: imageManifestType, digest: image.digest, size: 1, platform: { os: 'linux', architecture: 'amd64' } },
      {
        ...attestation,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: {
          'vnd.docker.reference.type': 'attestation-manifest',
          'vnd.docker.reference.digest': image.digest,
        },
      },
    ];
    const { digest } = await pushManifest(
      image,
      { schemaVersion: 2, mediaType: imageIndexType, manifests },
      imageIndexType,
    );
    return {
      ...image,
      digest,
      query: { ...image.query, repoDigests: [`${registry.hostPort}/${image.repository}@${digest}`] },
    };
  }

  it('are untrusted without a signature, verified by one on the index, and not by one on the manifest', async () => {
    const image = await pushImage();
    const index = await pushIndex(image);
    const unsigned = await lookUp(index);
    expect(unsigned.sbom.paper).toMatchObject({ outcome: 'untrusted', componentCount: 4, attachedTo: index.digest });
    expect(unsigned.provenance).toMatchObject({
      outcome: 'untrusted',
      builderId: 'https://ci/run/1',
      sourceUri: 'https://git.example/app.git',
    });
    await signImage({ ...image, key, format: 'bundle' });
    const onManifest = await lookUp(index);
    expect([onManifest.signature.outcome, onManifest.sbom.paper.outcome]).toEqual(['verified', 'untrusted']);
    await signImage({ ...index, key, format: 'bundle' });
    const onIndex = await lookUp(index);
    expect(onIndex.sbom.paper).toMatchObject({
      outcome: 'verified',
      reason: expect.stringContaining('part of the index that team signed'),
    });
    expect(onIndex.provenance.outcome).toBe('verified');
  });

  it('about another manifest are invalid', async () => {
    const index = await pushIndex(await pushImage(), `sha256:${'9'.repeat(64)}`);
    const { sbom, provenance } = await lookUp(index);
    expect([sbom.paper.outcome, provenance.outcome]).toEqual(['invalid', 'invalid']);
  });
});

describe('a registry that fails in part', () => {
  /** The real registry behind a proxy that answers 500 where `breaks` says so. */
  async function behindBroken(
    image: Image,
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
    const { server, query } = await behindBroken(await pushImage(), (url) => url.includes(part));
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
    const image = await pushImage();
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

describe('what the helpers write', () => {
  it('has the structure of what the real cosign wrote, byte for byte but for signature, key and time', async () => {
    const target = { registry, repository: 'tallyman/fixture' };
    const tags = await copyFixture(target);
    for (const [tag, format] of [
      ['bundle', 'bundle'],
      ['legacy', 'legacy'],
    ] as const) {
      const digest = tags[tag] ?? '';
      const mine = await papersOf(await signImage({ ...target, digest, key, format }), target);
      const [theirs] = await cosignPapers(target, digest, format, mine.manifestDigest);
      expect(blank(mine.layer), tag).toBe(blank(theirs?.layer ?? ''));
      expect(blank(mine.manifest), tag).toBe(blank(theirs?.manifest ?? ''));
    }
  });

  interface PaperTexts {
    manifestDigest: string;
    manifest: string;
    layer: string;
  }

  async function papersOf({ digest }: { digest: string }, target: PushTarget): Promise<PaperTexts> {
    const manifest = (await fetchManifest(target, digest))?.bytes.toString('utf8') ?? '';
    const { layers } = JSON.parse(manifest) as { layers: { digest: string }[] };
    const blob = await fetch(`${target.registry.url}/v2/${target.repository}/blobs/${layers[0]?.digest}`);
    return { manifestDigest: digest, manifest, layer: await blob.text() };
  }

  async function cosignPapers(target: PushTarget, digest: string, format: string, mine: string): Promise<PaperTexts[]> {
    const content = JSON.parse(readFixture('registry/content.json').toString('utf8')) as {
      tags: Record<string, string>;
    };
    const tag = digest.replace(':', '-');
    if (format === 'legacy') return [await papersOf({ digest: content.tags[`${tag}.sig`] ?? '' }, target)];
    const index = JSON.parse((await fetchManifest(target, tag))?.bytes.toString('utf8') ?? '{}') as {
      manifests: { digest: string }[];
    };
    return Promise.all(
      index.manifests.filter((entry) => entry.digest !== mine).map((entry) => papersOf(entry, target)),
    );
  }

  /** Signatures, hints, times, the registry's port and what depends on them. */
  const blank = (text: string): string =>
    text
      .replace(/"(sig|hint|dev\.cosignproject\.cosign\/signature)":"[^"]+"/g, '"$1":""')
      .replace(/"org\.opencontainers\.image\.created":"[^"]+"/, '"created"')
      .replace(/127\.0\.0\.1:\d+/g, 'registry')
      .replace(/("layers":\[\{"mediaType":"[^"]+","size":)\d+,"digest":"[^"]+"/, '$1')
      .replace(
        /("config":\{"mediaType":"application\/vnd.oci.image.config.v1\+json","size":\d+,"digest":)"[^"]+"/,
        '$1',
      );
});
