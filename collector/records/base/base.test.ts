import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyLayerTar, type LayeredImage, layerTar, pushLayeredImage } from '../../../test/support/layered-image.ts';
import { type RegistryProcess, startRegistry } from '../../../test/support/registry.ts';
import type { ImageExpectation } from '../expectation/schema.ts';
import { lookUpImage } from '../look-up.ts';
import type { BasePaper } from '../papers.ts';
import { RegistryClient } from '../registry/client.ts';
import { noCredentials } from '../registry/credentials.ts';
import { trustOf } from '../trust/trust.ts';
import { type KnownImages, MemoryKnownImages } from './known-images.ts';

const client = new RegistryClient({
  insecureRegistries: [],
  allowedHosts: [],
  credentials: noCredentials,
  userAgent: 'test',
  maxAttempts: 1,
});
const nowUnixMs = Date.parse('2026-11-24T00:00:00Z');
let registry: RegistryProcess;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => {
  client.close();
  await registry?.stop();
});

async function baseOf(
  repository: string,
  tag: string,
  known: KnownImages = new MemoryKnownImages(),
  baseImages?: ImageExpectation['baseImages'],
): Promise<BasePaper | undefined> {
  const reference = `${registry.hostPort}/${repository}:${tag}`;
  const query = {
    reference,
    repoDigests: [],
    configDigest: '',
    targetDigest: '',
    platform: 'linux/amd64',
    byName: true,
  };
  const expectations = baseImages === undefined ? [] : [{ match: '*', baseImages }];
  const found = await lookUpImage(query, {
    client,
    trust: trustOf({}),
    expectations,
    knownImages: known,
    nowUnixMs,
    signal: AbortSignal.timeout(20_000),
  });
  return found.base;
}

const push = (repository: string, image: LayeredImage): Promise<string> =>
  pushLayeredImage({ registry, repository }, image);

describe('the base of an image', () => {
  const debian = [layerTar('debian')];
  const node = [...debian, layerTar('node')];

  it('is the nearest known image whose layers are its lowest, however they are compressed', async () => {
    await push('base/debian', { layers: debian, created: '2026-10-14T00:00:00Z', tag: '12' });
    await push('base/node', { layers: node, created: '2026-11-01T00:00:00Z', tag: '20' });
    await push('app/near', { layers: [...node, layerTar('app')], tag: '1', compressionLevel: 1 });
    const known = new MemoryKnownImages();
    expect(await baseOf('app/near', '1', known)).toMatchObject({ outcome: 'absent', method: undefined });
    await baseOf('base/debian', '12', known);
    await baseOf('base/node', '20', known);
    const name = `${registry.hostPort}/base/node:20`;
    expect(await baseOf('app/near', '1', known)).toMatchObject({
      outcome: 'unknown',
      method: 'layers',
      names: [name],
      layerCount: 2,
    });
    expect(await baseOf('app/near', '1', known, { approved: [`${registry.hostPort}/base/*`] })).toMatchObject({
      outcome: 'verified',
      createdAt: '2026-11-01T00:00:00.000Z',
    });
    expect(await baseOf('app/near', '1', known, { approved: ['registry.acme.example/*'] })).toMatchObject({
      outcome: 'untrusted',
      reason: `expected registry.acme.example/*, found ${name}, from its layers`,
    });
    expect(await baseOf('app/near', '1', known, { maxAgeDays: 10 })).toMatchObject({
      outcome: 'untrusted',
      reason: `expected at most 10 days old, found ${name}, 23 days old`,
    });
  });

  it('never rests on empty layers', async () => {
    await push('base/empty', { layers: [emptyLayerTar], tag: '1' });
    await push('app/empty', { layers: [emptyLayerTar, layerTar('lonely')], tag: '1' });
    const known = new MemoryKnownImages();
    await baseOf('base/empty', '1', known);
    expect(await baseOf('app/empty', '1', known)).toMatchObject({ outcome: 'absent' });
  });

  it('has all names that its layers are known by', async () => {
    await push('base/many', { layers: [layerTar('many')], tag: '1' });
    await push('base/many', { layers: [layerTar('many')], tag: '1.2' });
    await push('app/many', { layers: [layerTar('many'), emptyLayerTar, layerTar('top')], tag: '1' });
    const known = new MemoryKnownImages();
    for (const tag of ['1', '1.2']) await baseOf('base/many', tag, known);
    const names = ['1', '1.2'].map((tag) => `${registry.hostPort}/base/many:${tag}`);
    expect(await baseOf('app/many', '1', known)).toMatchObject({ names });
  });

  it('is found by an annotation that proves true, with how far behind it is', async () => {
    const layers = [layerTar('old')];
    const digest = await push('base/annotated', { layers, created: '2026-09-01T00:00:00Z' });
    await push('base/annotated', { layers: [layerTar('new')], created: '2026-10-12T00:00:00Z', tag: '12' });
    const annotations = {
      'org.opencontainers.image.base.name': `${registry.hostPort}/base/annotated:12`,
      'org.opencontainers.image.base.digest': digest,
    };
    await push('app/annotated', { layers: [...layers, layerTar('x')], tag: '1', annotations });
    // The digest is not what the tag points to any more, so the tag is not believed.
    expect(await baseOf('app/annotated', '1')).toMatchObject({
      method: 'layers',
      names: [`${registry.hostPort}/base/annotated@${digest}`],
      digest,
      newestCreatedAt: '2026-10-12T00:00:00.000Z',
    });
  });

  it('is invalid when an annotation names what its layers are not, and unknown when that cannot be read', async () => {
    const layers = [layerTar('own'), layerTar('app')];
    await push('base/other', { layers: [layerTar('other')], tag: '1' });
    const name = 'org.opencontainers.image.base.name';
    await push('app/liar', { layers, tag: '1', annotations: { [name]: `${registry.hostPort}/base/other:1` } });
    expect(await baseOf('app/liar', '1')).toMatchObject({ outcome: 'invalid', method: 'annotation' });
    await push('app/gone', { layers, tag: '1', labels: { [name]: `${registry.hostPort}/base/gone:1` } });
    expect(await baseOf('app/gone', '1')).toMatchObject({ outcome: 'unknown', method: 'annotation' });
  });
});
