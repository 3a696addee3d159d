import { fetchManifest, imageManifestType, type PushTarget, pushBlob, pushManifest } from './push-papers.ts';
import type { RegistryProcess } from './registry.ts';

/** What a runtime says of an image; the shape of the collector's ImageQuery. */
export interface RuntimeImage {
  reference: string;
  repoDigests: string[];
  configDigest: string;
  targetDigest: string;
  platform: string;
}

export interface PushedImage extends PushTarget {
  digest: string;
  query: RuntimeImage;
}

let images = 0;

/** Pushes a new one-layer image into a repository of its own. */
export async function pushImage(registry: RegistryProcess): Promise<PushedImage> {
  const target = { registry, repository: `acme/app-${images++}` };
  const configBytes = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', n: images }));
  const config = await pushBlob(target, configBytes, 'application/vnd.oci.image.config.v1+json');
  const layer = await pushBlob(target, Buffer.from('layer'), 'application/vnd.oci.image.layer.v1.tar');
  const manifest = { schemaVersion: 2, mediaType: imageManifestType, config, layers: [layer] };
  const { digest } = await pushManifest(target, manifest, imageManifestType, 'latest');
  return { ...target, digest, query: runtimeImage(registry, target.repository, 'latest', digest, config.digest) };
}

/** What Docker's classic store says of an image of the exported fixtures that was pulled by this tag. */
export async function fixtureImage(
  registry: RegistryProcess,
  repository: string,
  tags: Readonly<Record<string, string>>,
  tag: string,
): Promise<RuntimeImage> {
  const digest = tags[tag] ?? `no tag ${tag} in the fixtures`;
  const platform = await fetchManifest({ registry, repository }, tag === 'index' ? (tags.platform ?? '') : digest);
  const manifest = JSON.parse(platform?.bytes.toString('utf8') ?? '{}') as { config: { digest: string } };
  return runtimeImage(registry, repository, tag, digest, manifest.config.digest);
}

function runtimeImage(
  registry: RegistryProcess,
  repository: string,
  tag: string,
  digest: string,
  configDigest: string,
): RuntimeImage {
  const place = `${registry.hostPort}/${repository}`;
  return {
    reference: `${place}:${tag}`,
    repoDigests: [`${place}@${digest}`],
    configDigest,
    targetDigest: '',
    platform: 'linux/amd64',
  };
}
