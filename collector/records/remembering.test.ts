import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '../../common/metrics.ts';
import { fixtureImage } from '../../test/support/papers-lab.ts';
import { copyFixture, fixturePath, type PushTarget } from '../../test/support/push-papers.ts';
import { closeRecords, memoryCache, recordsWith, trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import type { ImageQuery } from './papers.ts';
import { loadCosignKeys } from './signature/keys.ts';

let registry: RegistryProcess;
let target: PushTarget;
let tags: Record<string, string>;

beforeAll(async () => {
  registry = await startRegistry();
  target = { registry, repository: 'tallyman/fixture' };
  tags = await copyFixture(target);
});

afterAll(async () => {
  closeRecords();
  await registry?.stop();
});

const queryFor = (tag: string): Promise<ImageQuery> => fixtureImage(registry, target.repository, tags, tag);

describe('remembering', () => {
  it('shares one look-up between concurrent questions and answers later ones from memory', async () => {
    const metrics = new Metrics('collector');
    const records = recordsWith({ metrics });
    const query = await queryFor('attested');
    expect(records.peek(query)).toBeUndefined();
    const [first, second] = await Promise.all([records.lookup(query), records.lookup(query)]);
    expect(second).toBe(first);
    expect(records.peek(query)?.sbom).toBe(first.sbom);
    await records.lookup(query);
    const text = await metrics.registry.metrics();
    expect(text).toContain('tallyman_collector_image_lookups_total{from="registry"} 1');
    expect(text).toContain('tallyman_collector_papers_total{paper="signature",outcome="verified"} 1');
  });

  it('reads the SBOM again from the cached document after a restart, without the registry', async () => {
    const cache = memoryCache();
    const query = await queryFor('attested');
    await recordsWith({ cache }).lookup(query);
    const metrics = new Metrics('collector');
    const restarted = recordsWith({ cache, metrics });
    expect(restarted.peek(query)?.papers.sbom.outcome).toBe('verified');
    expect((await restarted.lookup(query)).sbom?.ownerOf('/usr/bin/hello').state).toBe('owned');
    expect(await metrics.registry.metrics()).toContain('image_lookups_total{from="cache"} 1');
  });

  it('goes back to the registry when a cached document is not what its digest says', async () => {
    const cache = memoryCache();
    const query = await queryFor('attested');
    await recordsWith({ cache }).lookup(query);
    for (const digest of cache.documents.keys()) cache.documents.set(digest, Buffer.from('{"bomFormat":"CycloneDX"}'));
    const { sbom } = await recordsWith({ cache }).lookup(query);
    expect(sbom?.components).toHaveLength(4);
  });

  it('asks again with other keys: an answer never outlives who was trusted when it was made', async () => {
    const cache = memoryCache();
    const query = await queryFor('bundle-other-key');
    expect((await recordsWith({ cache }).lookup(query)).papers.signature.outcome).toBe('untrusted');
    const keys = loadCosignKeys([fixturePath('keys/other.pub')]);
    expect((await recordsWith({ cache, trust: trustIn(keys) }).lookup(query)).papers.signature.outcome).toBe(
      'verified',
    );
  });

  it('keeps what was proven while the registry is away, and says since when', async () => {
    const own = await startRegistry();
    const ownTags = await copyFixture({ registry: own, repository: 'a/b' });
    let now = 1_800_000_000_000;
    const records = recordsWith({ clock: () => now });
    const query = { ...(await queryFor('bundle')), repoDigests: [`${own.hostPort}/a/b@${ownTags.bundle}`] };
    expect((await records.lookup(query)).papers.signature.outcome).toBe('verified');
    await own.stop();
    now += 24 * 3_600_000;
    const { papers } = await records.lookup(query);
    expect(papers.signature.outcome).toBe('verified');
    expect(papers.signature.reason).toContain('as of 2027-01-15T08:00:00.000Z; now:');
    expect(papers.sbom.outcome).toBe('unknown');
    expect(papers.freshForMs).toBe(15_000);
  });

  it('answers although the cache fails, and counts it', async () => {
    const fail = (): never => {
      throw new Error('disk full');
    };
    const metrics = new Metrics('collector');
    const documents = { getDocument: fail, putDocument: fail };
    const cache = { getPapers: fail, putPapers: fail, ...documents, findIdentities: fail, putIdentities: fail };
    const { papers, sbom } = await recordsWith({ cache, metrics }).lookup(await queryFor('attested'));
    expect(papers.sbom.outcome).toBe('verified');
    expect(sbom?.components).toHaveLength(4);
    expect(await metrics.registry.metrics()).toContain('registry_errors_total{code="RECORDS_CACHE_FAILED"} 6');
  });
});
