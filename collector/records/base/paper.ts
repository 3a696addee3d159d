import { errorText } from '../../../common/errors.ts';
import type { ResolvedImage } from '../discovery/resolve.ts';
import { asReference } from '../expectation/expectation.ts';
import type { ImageExpectation } from '../expectation/schema.ts';
import type { BasePaper, ImageQuery, ProvenanceRecord } from '../papers.ts';
import type { RegistryClient } from '../registry/client.ts';
import { parseManifestDocument } from '../registry/oci.ts';
import { repositoryText } from '../registry/reference.ts';
import { claimedBases } from './claimed-bases.ts';
import { findBase } from './find-base.ts';
import { fetchImageConfig } from './image-config.ts';
import type { KnownImages } from './known-images.ts';

export interface BaseOptions {
  client: RegistryClient;
  known: KnownImages;
  expectation: ImageExpectation | undefined;
  nowUnixMs: number;
  signal: AbortSignal;
}

/** Finds what the image was built on, and makes the image known as a base of others. Never rejects. */
export async function basePaper(
  query: ImageQuery,
  image: ResolvedImage,
  provenance: readonly ProvenanceRecord[],
  options: BaseOptions,
): Promise<BasePaper | undefined> {
  const { client, known, nowUnixMs, signal } = options;
  const manifest = image.subjects.find(({ kind }) => kind === 'manifest');
  if (manifest === undefined) return undefined;
  const { repository, bytes, digest } = manifest;
  const index = image.subjects.find(({ kind }) => kind === 'index');
  try {
    const document = parseManifestDocument(JSON.parse(bytes.toString('utf8')), undefined);
    const config = await fetchImageConfig(client, repository, { document, digest }, signal);
    const above = index && parseManifestDocument(JSON.parse(index.bytes.toString('utf8')), undefined);
    const claimed = claimedBases(
      document.kind === 'manifest' ? document.manifest : undefined,
      above?.kind === 'index' ? above.index.annotations : undefined,
      config,
      provenance,
    );
    const found = await findBase({ ...options, config, platform: query.platform, claimed });
    const chainId = config.chainIds.at(-1);
    if (chainId !== undefined) {
      const { createdAtUnixMs, diffIds } = config;
      const reference = asReference(query.reference);
      const isHere = reference !== undefined && repositoryText(reference) === repositoryText(repository);
      const tag = (isHere && reference.tag) || '';
      const named = { repository: repositoryText(repository), tag, digest: index?.digest ?? digest };
      known.putKnownImage({ chainId, ...named, layerCount: diffIds.length, createdAtUnixMs }, nowUnixMs);
    }
    return found;
  } catch (error) {
    const reason = `the image’s layers could not be read: ${errorText(error)}`;
    const empty = { method: undefined, names: [], digest: undefined, layerCount: undefined, createdAt: undefined };
    return { ...empty, outcome: 'unknown', reason, newestCreatedAt: undefined };
  }
}
