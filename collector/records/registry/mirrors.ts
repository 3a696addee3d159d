import { parseImageReference } from '../../../common/image-reference.ts';
import type { ImageReference } from './reference.ts';

/** A registry that holds what another one does. */
export interface Mirror {
  /** The registry it stands for, as it is dialled. */
  of: string;
  host: string;
  /** In front of repository names there; "" for none. */
  prefix: string;
}

/** Reads "docker.io=mirror.acme.io/hub". Answers why a text is none. */
export function parseMirror(text: string): Mirror | { refused: string } {
  const [of = '', at = '', ...more] = text.split('=');
  if (more.length > 0 || of === '' || at === '') return { refused: 'it is not HOST=MIRROR[/PREFIX]' };
  const registry = parseImageReference(`${of}/x/x`);
  const place = parseImageReference(`${at.replace(/\/$/, '')}/x`);
  if ('refused' in registry) return registry;
  if ('refused' in place) return place;
  if (!registry.hasRegistry || !place.hasRegistry) return { refused: 'a host has a dot or a port, or is localhost' };
  return { of: registry.registry, host: place.registry, prefix: place.name.replace(/(^|\/)x$/, '') };
}

/** Where an image is on the mirrors of its registry. */
export function mirrorsOf(place: ImageReference, mirrors: readonly Mirror[]): ImageReference[] {
  return mirrors
    .filter(({ of }) => of === place.registry)
    .map(({ host, prefix }) => ({
      ...place,
      registry: host,
      name: prefix === '' ? place.name : `${prefix}/${place.name}`,
    }));
}
