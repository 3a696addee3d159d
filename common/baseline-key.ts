import { createHash } from 'node:crypto';
import type { BaselineKey } from '../proto/generated/tallyman/v1/baseline.ts';
import type { Container } from '../proto/generated/tallyman/v1/container.ts';
import { parseImageReference, repositoryText } from './image-reference.ts';
import { workloadOf } from './workload.ts';

/** Whose baseline a container has, or why it has none. */
export type BaselineKeyAnswer = { key: BaselineKey } | { none: string };

/** The same on agents and collector: what both know of a container decides. */
export function baselineKeyOf(container: Container): BaselineKeyAnswer {
  if (container.sandbox) return { none: 'the container only holds the namespaces of a pod' };
  const { image } = container;
  const imageDigest = image?.configDigest || image?.targetDigest;
  if (image === undefined || !imageDigest) return { none: 'the runtime does not tell a digest of the image' };
  const references = [image.reference, ...image.repoDigests];
  const repository = references.map(imageRepository).find((one) => one !== '') ?? '';
  return { key: { repository, imageDigest, workload: workloadOf(container) } };
}

/** Text that two keys have in common only if they are equal. */
export function baselineKeyText({ repository, imageDigest, workload }: BaselineKey): string {
  return JSON.stringify([repository, imageDigest, workload]);
}

/** Short name of a baseline, the same everywhere: 16 hexadecimal digits. */
export function baselineIdOf(key: BaselineKey): string {
  return createHash('sha256').update(baselineKeyText(key)).digest('hex').slice(0, 16);
}

/**
 * Repository of an image reference, without tag and digest; Docker Hub's under "docker.io/". Empty for references that name
 * no repository: image ids, and what cannot be read.
 */
export function imageRepository(reference: string): string {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(reference)) return '';
  const parsed = parseImageReference(reference);
  return 'refused' in parsed ? '' : repositoryText(parsed);
}
