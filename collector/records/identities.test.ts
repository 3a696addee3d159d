import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { type PushedImage, pushImage } from '../../test/support/papers-lab.ts';
import { imageIndexType, imageManifestType, pushBlob, pushManifest } from '../../test/support/push-papers.ts';
import { closeRecords, recordsWith } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { generateSigningKey, signImage } from '../../test/support/sign.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import type { ImageQuery } from './papers.ts';
import { trustOf } from './trust/trust.ts';

const key = generateSigningKey();
const trust = trustOf({ keys: [{ name: 'team', fingerprint: key.fingerprint, key: key.publicKey }] });
const folder = mkdtempSync(join(tmpdir(), 'tallyman-identities-'));
let registry: RegistryProcess;
let store: Store;

beforeAll(async () => {
  registry = await startRegistry();
  store = open();
});
afterAll(async () => {
  closeRecords();
  store.close();
  rmSync(folder, { recursive: true, force: true });
  await registry?.stop();
});

const open = (): Store =>
  createSqliteStore({ file: join(folder, 'a.db'), logger: silentLogger, metrics: new Metrics('collector') });

/** What a runtime says of an image that it has without a repository digest: side-loaded, or listed by its config only. */
const bare = (configDigest: string): ImageQuery => ({
  ...{ reference: configDigest, repoDigests: [], configDigest, targetDigest: '', platform: 'linux/amd64' },
});

async function pushSignedIndex(image: PushedImage): Promise<string> {
  const platform = { os: 'linux', architecture: 'amd64' };
  const manifests = [{ mediaType: imageManifestType, digest: image.digest, size: 1, platform }];
  const index = { schemaVersion: 2, mediaType: imageIndexType, manifests };
  const { digest } = await pushManifest(image, index, imageIndexType);
  await signImage({ ...image, digest, key, format: 'bundle' });
  return digest;
}

it('finds the papers of a bare config digest that another container came with, also after a restart', async () => {
  const image = await pushImage(registry);
  await signImage({ ...image, key, format: 'bundle' });
  const before = await recordsWith({ cache: store, trust }).lookup(bare(image.query.configDigest));
  expect(before.papers.signature).toMatchObject({ outcome: 'unknown', reason: expect.stringContaining('nowhere') });
  await recordsWith({ cache: store, trust }).lookup(image.query);
  store.close();
  store = open();
  const after = await recordsWith({ cache: store, trust }).lookup({ ...bare(image.query.configDigest), platform: '' });
  expect(after.papers.signature).toMatchObject({ outcome: 'verified', signer: { name: 'team' } });
  expect(after.papers.identity).toMatchObject({
    repository: `${registry.hostPort}/${image.repository}`,
    manifestDigest: image.digest,
  });
});

it('finds an image whose tag has moved on by what it was before', async () => {
  const image = await pushImage(registry);
  await signImage({ ...image, key, format: 'legacy' });
  const byTag = { ...image.query, repoDigests: [] };
  await recordsWith({ cache: store, trust }).lookup(byTag);
  const config = await pushBlob(image, Buffer.from('{"next":true}'), 'application/vnd.oci.image.config.v1+json');
  const next = { schemaVersion: 2, mediaType: imageManifestType, config, layers: [] };
  await pushManifest(image, next, imageManifestType, 'latest');
  const { papers } = await recordsWith({ cache: store, trust }).lookup({ ...byTag, platform: '' });
  expect(papers.signature.outcome).toBe('verified');
  expect(papers.identity.manifestDigest).toBe(image.digest);
});

it('reaches what hangs on an index from a manifest that was seen in it', async () => {
  const image = await pushImage(registry);
  const index = await pushSignedIndex(image);
  const alone = await recordsWith({ cache: store, trust }).lookup(image.query);
  expect(alone.papers.signature.outcome).toBe('absent');
  const place = `${registry.hostPort}/${image.repository}`;
  await recordsWith({ cache: store, trust }).lookup({ ...image.query, repoDigests: [`${place}@${index}`] });
  const { papers } = await recordsWith({ cache: store, trust }).lookup({ ...image.query, platform: '' });
  expect(papers.signature).toMatchObject({ outcome: 'verified', records: [{ attachedTo: index }] });
  expect(papers.identity).toMatchObject({ indexDigest: index, manifestDigest: image.digest });
});

it('is bounded, and keeps what was seen last', () => {
  const bounds = { maxIdentities: 2 };
  const file = join(folder, 'bounded.db');
  const small = createSqliteStore({ file, bounds, logger: silentLogger, metrics: new Metrics('collector') });
  const identity = { repository: 'a.io/a', indexDigest: undefined, platform: undefined };
  for (const digit of ['1', '2', '3'])
    small.putIdentities([{ ...identity, manifestDigest: `m${digit}`, configDigest: `c${digit}` }]);
  expect(small.prune(1).identities).toBe(1);
  const left = ['m1', 'c2', 'c3'].flatMap((digest) => small.findIdentities(digest));
  expect(left).toHaveLength(2);
  small.close();
});
