import type { Container } from '../../proto/generated/tallyman/v1/container.ts';
import type { ImageQuery } from '../records/papers.ts';

/** What to ask records about a container's image; undefined when nothing names the image. */
export function imageQueryOf(container: Container | undefined): ImageQuery | undefined {
  const image = container?.image;
  if (image === undefined) return undefined;
  if (image.reference === '' && image.configDigest === '' && image.repoDigests.length === 0) return undefined;
  return {
    reference: image.reference,
    repoDigests: image.repoDigests,
    configDigest: image.configDigest,
    targetDigest: image.targetDigest,
    platform: image.platform,
  };
}
