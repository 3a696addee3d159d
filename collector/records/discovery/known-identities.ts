import type { ImageQuery, KnownIdentity } from '../papers.ts';
import { isDigest } from '../registry/digest.ts';
import { layoutPrefix } from '../registry/oci-layout.ts';
import { type ImageReference, parseReference, repositoryText } from '../registry/reference.ts';
import type { Found } from './resolve.ts';

/** What was learned of digests that belong together, while registries were walked. */
export interface IdentityBook {
  /** By any of the three digests, most recently seen first. */
  find(digest: string): readonly KnownIdentity[];
  put(identities: readonly KnownIdentity[]): void;
}

const maxPlaces = 4;

/**
 * Where the image has been seen before. A runtime that only knows the config digest names no place, and registries cannot
 * be asked for it (https://github.com/opencontainers/distribution-spec has no way from a config to its manifest).
 */
export function knownPlaces(query: ImageQuery, book: IdentityBook): ImageReference[] {
  const known = [query.configDigest, query.targetDigest].filter(isDigest).flatMap((digest) => book.find(digest));
  return placesOf(
    known.map(({ repository, indexDigest, manifestDigest }) => `${repository}@${indexDigest ?? manifestDigest}`),
  );
}

/** Indexes that were seen to list a manifest: papers may hang on them, and a manifest does not name its index. */
export function knownIndexes({ repository, manifest }: Found, book: IdentityBook): ImageReference[] {
  const own = repositoryText(repository);
  const known = book
    .find(manifest.digest)
    .filter(({ indexDigest, manifestDigest }) => indexDigest !== undefined && manifestDigest === manifest.digest)
    .sort((a, b) => Number(b.repository === own) - Number(a.repository === own));
  return placesOf(known.map((identity) => `${identity.repository}@${identity.indexDigest}`));
}

/** The digests of what was found, as they are remembered. */
export function identitiesOf(found: readonly Found[], platform: string): KnownIdentity[] {
  return found.flatMap(({ repository, index, manifest }) => {
    if (manifest.document.kind !== 'manifest' || repository.registry.startsWith(layoutPrefix)) return [];
    const digests = {
      indexDigest: index?.digest,
      manifestDigest: manifest.digest,
      configDigest: manifest.document.manifest.config.digest,
    };
    return [{ ...digests, repository: repositoryText(repository), platform: platform || undefined }];
  });
}

function placesOf(texts: readonly string[]): ImageReference[] {
  return [...new Set(texts)].slice(0, maxPlaces).map(parseReference);
}
