import type { ContainerStatus, ImageStatusResponse } from '../../../proto/generated/runtime/v1/cri.ts';
import type { Image } from '../container.ts';
import { JsonReader } from '../json-reader.ts';
import { parseInfo } from './cri-info.ts';

const maxRepoDigests = 64;
const digestForm = /^sha256:[0-9a-f]{64}$/;
const bareDigestForm = /^[0-9a-f]{64}$/;
const repoDigestForm = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** What the runtime knows of an image beyond what the container tells. */
export interface CriImageFacts {
  /** Empty when the id is no digest. */
  configDigest: string;
  repoDigests: string[];
  /** "linux/amd64"; empty if not told. */
  platform: string;
  /** Diff ids, the lowest first. */
  layerDigests: string[];
}

/** Undefined when there is no such image. */
export function criImageFacts({ image, info }: ImageStatusResponse): CriImageFacts | undefined {
  if (image === undefined) return undefined;
  const spec = new JsonReader(parseInfo(info)).object('imageSpec');
  const platform = [spec.text('os'), spec.text('architecture'), spec.text('variant')].filter((part) => part !== '');
  return {
    configDigest: digestOf(image.id),
    repoDigests: image.repoDigests.filter((digest) => repoDigestForm.test(digest)).slice(0, maxRepoDigests),
    platform: platform.join('/'),
    layerDigests: spec.object('rootfs').texts('diff_ids'),
  };
}

/**
 * The image of a container. Its id is always the digest of the config; its reference is that, or the digest by which it
 * was pulled behind the name of a repository, depending on runtime and version.
 */
export function criImage(status: ContainerStatus, facts: CriImageFacts | undefined): Image {
  const { image, imageRef, imageId } = status;
  const reference = image?.userSpecifiedImage || image?.image || '';
  return {
    reference: digestOf(reference) === '' ? reference : '',
    configDigest: facts?.configDigest || digestOf(imageId) || digestOf(imageRef),
    repoDigests: facts?.repoDigests ?? [imageRef].filter((digest) => repoDigestForm.test(digest)),
    targetDigest: '',
    platform: facts?.platform ?? '',
  };
}

/** "sha256:…" of an image id with or without that in front; empty for everything else. */
function digestOf(id: string): string {
  if (digestForm.test(id)) return id;
  return bareDigestForm.test(id) ? `sha256:${id}` : '';
}
