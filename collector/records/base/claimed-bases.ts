import { PackageURL } from 'packageurl-js';
import { type ImageReference, parseImageReference } from '../../../common/image-reference.ts';
import type { ProvenanceRecord } from '../papers.ts';
import type { OciManifest } from '../registry/oci.ts';
import type { ImageConfig } from './image-config.ts';

/** An image that something says this one was built on. */
export interface ClaimedBase {
  method: 'annotation' | 'provenance';
  reference: ImageReference;
}

type Annotations = Readonly<Record<string, string>> | null | undefined;

const nameKey = 'org.opencontainers.image.base.name';
const digestKey = 'org.opencontainers.image.base.digest';

/**
 * Annotations name one base (https://github.com/opencontainers/image-spec/blob/main/annotations.md); provenance names all
 * images that a build read, and which of them is the base only their layers tell. Anybody can write either.
 */
export function claimedBases(
  manifest: OciManifest | undefined,
  index: Annotations,
  config: ImageConfig | undefined,
  provenance: readonly ProvenanceRecord[],
): ClaimedBase[] {
  const annotated = [manifest?.annotations, index, config?.labels].flatMap((annotations): ClaimedBase[] => {
    const reference = annotatedBase(annotations);
    return reference === undefined ? [] : [{ method: 'annotation', reference }];
  });
  const dependencies = provenance.flatMap(({ claim, outcome }) =>
    outcome === 'invalid' ? [] : (claim?.dependencies ?? []),
  );
  const read = dependencies.flatMap(({ uri, digest }): ClaimedBase[] => {
    const reference = imageOfPurl(uri, digest);
    return reference === undefined ? [] : [{ method: 'provenance', reference }];
  });
  return [...annotated, ...read];
}

function annotatedBase(annotations: Annotations): ImageReference | undefined {
  const name = annotations?.[nameKey];
  const digest = annotations?.[digestKey];
  if (name === undefined || name === '') return undefined;
  return referenceOf(digest === undefined || name.includes('@') ? name : `${name}@${digest}`);
}

/** "pkg:docker/debian@12-slim?platform=linux%2Famd64" as BuildKit writes it. */
export function imageOfPurl(uri: string, digest: string | undefined): ImageReference | undefined {
  if (!/^pkg:(docker|oci)\//.test(uri)) return undefined;
  try {
    const { namespace, name, version, qualifiers } = PackageURL.fromString(uri);
    const repository = qualifiers?.repository_url || [namespace, name].filter(Boolean).join('/');
    const pinned = digest?.startsWith('sha256:') ? `@${digest}` : '';
    const tag = version && !version.startsWith('sha256:') ? `:${version}` : '';
    return referenceOf(`${repository}${tag}${pinned || (version?.startsWith('sha256:') ? `@${version}` : '')}`);
  } catch {
    return undefined;
  }
}

function referenceOf(text: string): ImageReference | undefined {
  const parsed = parseImageReference(text);
  return 'refused' in parsed ? undefined : parsed;
}
