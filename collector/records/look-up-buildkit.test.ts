import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PushedImage, pushImage } from '../../test/support/papers-lab.ts';
import {
  imageIndexType,
  imageManifestType,
  pushBlob,
  pushManifest,
  readFixture,
} from '../../test/support/push-papers.ts';
import { trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { generateSigningKey, signImage } from '../../test/support/sign.ts';
import { type LookUpResult, lookUpImage } from './look-up.ts';
import type { ImageQuery } from './papers.ts';
import { RegistryClient } from './registry/client.ts';
import { noCredentials } from './registry/credentials.ts';

const spdx: unknown = JSON.parse(readFixture('documents/spdx-json.json').toString('utf8'));
const spdxPredicate = 'https://spdx.dev/Document';
const key = generateSigningKey();
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
  async function pushIndex(image: PushedImage, subject = image.digest): Promise<PushedImage> {
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
    const image = await pushImage(registry);
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
    const index = await pushIndex(await pushImage(registry), `sha256:${'9'.repeat(64)}`);
    const { sbom, provenance } = await lookUp(index);
    expect([sbom.paper.outcome, provenance.outcome]).toEqual(['invalid', 'invalid']);
  });
});
