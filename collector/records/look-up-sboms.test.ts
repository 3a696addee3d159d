import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushImage } from '../../test/support/papers-lab.ts';
import {
  addToReferrersTag,
  fetchManifest,
  imageManifestType,
  type PushTarget,
  pushBlob,
  pushManifest,
  readFixture,
} from '../../test/support/push-papers.ts';
import { trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { attachSbom, attestSbom, generateSigningKey } from '../../test/support/sign.ts';
import { type LookUpResult, lookUpImage } from './look-up.ts';
import type { ImageQuery } from './papers.ts';
import { RegistryClient } from './registry/client.ts';
import { noCredentials } from './registry/credentials.ts';

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

describe('SBOMs', () => {
  it('prefers a verified one without file lists to an unsigned one with them, and says what it refused', async () => {
    const image = await pushImage(registry);
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
    expect(paper.reason).toContain('1 other rejected: subject: it is about another image');
  });

  it('chooses the verified one that lists files', async () => {
    const image = await pushImage(registry);
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
    const broken = await pushImage(registry);
    await attachSbom({
      ...broken,
      document: Buffer.from('{"spdxVersion":"SPDX-2.3","packages":['),
      mediaType: 'application/spdx+json',
    });
    expect((await lookUp(broken)).sbom.paper).toMatchObject({
      outcome: 'invalid',
      reason: expect.stringContaining('no complete JSON'),
    });
    const unread = await pushImage(registry);
    await attachSbom({ ...unread, document: Buffer.from('<bom/>'), mediaType: 'application/vnd.cyclonedx+xml' });
    expect((await lookUp(unread)).sbom.paper).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('not supported'),
    });
    const foreign = await pushImage(registry);
    await attestSbom({ ...foreign, key: stranger, predicate: spdx, predicateType: spdxPredicate });
    expect((await lookUp(foreign)).sbom.paper).toMatchObject({ outcome: 'untrusted', componentCount: 4 });
  });

  it('refuses a referrer whose subject is another image', async () => {
    const [image, other] = [await pushImage(registry), await pushImage(registry)];
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
