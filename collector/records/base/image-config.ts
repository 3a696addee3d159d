import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FetchedManifest, RegistryClient } from '../registry/client.ts';
import type { Repository } from '../registry/reference.ts';

/** What an image's config says of its layers and its age. */
export interface ImageConfig {
  /** Digests of the uncompressed layers, lowest first, without empty ones. */
  diffIds: readonly string[];
  /** The key of each stack of layers from the lowest to this one. */
  chainIds: readonly string[];
  /** Undefined: not said, or set to a constant by a reproducible build. */
  createdAtUnixMs: number | undefined;
  labels: Readonly<Record<string, string>>;
}

/** 1024 zero bytes: what builders write for a step that changes no file. It says nothing about where an image is from. */
const emptyLayer = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';
const maxConfigBytes = 8 * 1024 * 1024;
/** Reproducible builds set the time to 0, or to the beginning of 1980. */
const earliestUnixMs = Date.UTC(2000, 0, 1);

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const schema = z.object({
  created: z.string().max(64).nullish().catch(undefined),
  rootfs: z.object({ diff_ids: z.array(z.string().regex(/^sha256:[a-f0-9]{64}$/)).max(2000) }),
  config: z
    .object({ Labels: z.record(z.string(), z.string().max(4096)).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
});

/** Throws when the bytes are no image config; the message names the field. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const result = schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new Error(`the image’s config is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
  }
  const { created, rootfs, config } = result.data;
  const createdAtUnixMs = Date.parse(created ?? '');
  const diffIds = rootfs.diff_ids.filter((diffId) => diffId !== emptyLayer);
  return {
    diffIds,
    chainIds: chainIdsOf(diffIds),
    createdAtUnixMs: createdAtUnixMs >= earliestUnixMs ? createdAtUnixMs : undefined,
    labels: config?.Labels ?? {},
  };
}

/** https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid, over the layers that have content. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(
      below === undefined ? diffId : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`,
    );
  }
  return chain;
}

/** The config of a manifest that is no index. Throws when it is not there or is none. */
export async function fetchImageConfig(
  client: RegistryClient,
  repository: Repository,
  { document, digest }: Pick<FetchedManifest, 'document' | 'digest'>,
  signal: AbortSignal,
): Promise<ImageConfig> {
  if (document.kind !== 'manifest') throw new Error(`${digest} is an index, not a manifest`);
  const { manifest } = document;
  const bytes = await client.getBlob(repository, manifest.config.digest, maxConfigBytes, signal);
  if (bytes === undefined) throw new Error(`the config ${manifest.config.digest} of ${digest} is not there`);
  return parseImageConfig(bytes);
}
