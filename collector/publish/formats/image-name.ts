import type { Container } from '../../../proto/generated/tallyman/v1/container.ts';
import type { ImageIdentity } from '../../records/papers.ts';

export interface ImageName {
  /** "registry.acme.io/checkout" */
  repository: string;
  /** Empty when the reference has none. */
  tag: string;
  /** The digest papers are about: what the image was pulled by, else what is known; empty when nothing is. */
  digest: string;
}

/** Splits an image reference, https://github.com/distribution/reference: repository[:tag][@digest]. */
export function imageNameOf(container: Container | undefined, identity: ImageIdentity): ImageName {
  const image = container?.image;
  const reference = image?.reference ?? '';
  const [named = '', pinned = ''] = reference.split('@', 2);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const pulled = image?.repoDigests[0]?.split('@', 2)[1];
  const digests = [pinned, pulled, identity.indexDigest, identity.manifestDigest, image?.targetDigest];
  return {
    repository: tagged ? named.slice(0, colon) : named,
    tag: tagged ? named.slice(colon + 1) : '',
    digest: digests.find((digest) => digest !== undefined && digest !== '') ?? image?.configDigest ?? '',
  };
}
