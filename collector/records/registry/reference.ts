import { type ImageReference, parseImageReference } from '../../../common/image-reference.ts';
import { RegistryError } from './errors.ts';

export { type ImageReference, isDockerHub, type Repository, repositoryText } from '../../../common/image-reference.ts';

/** As parseImageReference. Throws RegistryError REGISTRY_REFERENCE. */
export function parseReference(text: string): ImageReference {
  const parsed = parseImageReference(text);
  if (!('refused' in parsed)) return parsed;
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
  throw new RegistryError('REGISTRY_REFERENCE', `${shown} is no image reference: ${parsed.refused}`);
}
