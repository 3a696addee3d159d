import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyFixture, fetchManifest, type PushTarget, readFixture } from '../../test/support/push-papers.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { generateSigningKey, signImage } from '../../test/support/sign.ts';

const key = generateSigningKey();
let registry: RegistryProcess;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => {
  await registry?.stop();
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
