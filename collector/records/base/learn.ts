import type { ImageReference } from '../../../common/image-reference.ts';
import { selectsPlatform } from '../discovery/resolve.ts';
import type { FetchedManifest, RegistryClient } from '../registry/client.ts';
import { repositoryText } from '../registry/reference.ts';
import { fetchImageConfig } from './image-config.ts';
import type { KnownImage } from './known-images.ts';

/** Reads another image's layers from its registry. Throws when it cannot be had. */
export async function learnImage(
  reference: ImageReference,
  platform: string,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<KnownImage> {
  const repository = { registry: reference.registry, name: reference.name };
  const named = reference.digest ?? reference.tag ?? 'latest';
  const fetched = await client.getManifest(repository, named, signal);
  if (fetched === undefined) throw new Error(`${repositoryText(reference)} has no ${named}`);
  const manifest = await manifestOf(fetched, repository, platform, client, signal);
  const { chainIds, diffIds, createdAtUnixMs } = await fetchImageConfig(client, repository, manifest, signal);
  const chainId = chainIds.at(-1) ?? '';
  const name = { repository: repositoryText(reference), tag: reference.tag ?? '' };
  return { chainId, ...name, digest: fetched.digest, layerCount: diffIds.length, createdAtUnixMs };
}

async function manifestOf(
  fetched: FetchedManifest,
  repository: { registry: string; name: string },
  platform: string,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  if (fetched.document.kind === 'manifest') return fetched;
  const descriptor = fetched.document.index.manifests.find((candidate) => selectsPlatform(candidate, platform));
  const manifest = descriptor && (await client.getManifest(repository, descriptor.digest, signal));
  if (manifest === undefined) throw new Error(`${fetched.digest} has no image for ${platform}`);
  return manifest;
}
