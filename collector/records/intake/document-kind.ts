import { sigstoreBundlePrefix } from '../registry/media-types.ts';
import { type TopLevel, topLevelOf } from './top-level.ts';

/** What a paper is, by what is in it: media types and file names are hints that people get wrong. */
export type DocumentKind =
  | 'sigstore-bundle'
  | 'dsse-envelope'
  | 'statement'
  | 'cyclonedx'
  | 'spdx'
  | 'syft'
  | 'grype'
  | 'trivy'
  | 'sarif'
  | 'openvex';

/** In the order in which they are asked. */
const signs: readonly [kind: DocumentKind, fits: (top: TopLevel) => boolean][] = [
  ['sigstore-bundle', (top) => top.get('mediaType')?.startsWith(sigstoreBundlePrefix) === true],
  ['dsse-envelope', (top) => ['payloadType', 'payload', 'signatures'].every((key) => top.has(key))],
  ['statement', (top) => top.get('_type')?.startsWith('https://in-toto.io/Statement/') === true],
  ['cyclonedx', (top) => top.get('bomFormat') === 'CycloneDX'],
  ['spdx', (top) => top.has('spdxVersion') || (top.has('@graph') && top.get('@context')?.includes('spdx') === true)],
  ['openvex', (top) => top.get('@context')?.startsWith('https://openvex.dev/') === true],
  ['sarif', (top) => top.has('runs') && (top.has('version') || top.has('$schema'))],
  ['syft', (top) => top.has('artifacts') && top.has('schema')],
  ['grype', (top) => top.has('matches') && top.has('descriptor')],
  ['trivy', (top) => top.has('SchemaVersion') && (top.has('Results') || top.has('ArtifactName'))],
];

/** Whether documents of this kind name their image in what is signed, so that it has to be one of the image's digests. */
export function namesItsImage(kind: DocumentKind): boolean {
  return kind === 'sigstore-bundle' || kind === 'dsse-envelope' || kind === 'statement';
}

/** Undefined with the reason when it is none of them. */
export function documentKindOf(bytes: Uint8Array): { kind: DocumentKind } | { kind: undefined; reason: string } {
  const top = topLevelOf(bytes);
  if (top === undefined) return { kind: undefined, reason: 'it is no JSON object, or one that is cut off' };
  const kind = signs.find(([, fits]) => fits(top))?.[0];
  if (kind !== undefined) return { kind };
  const keys = [...top.keys()].slice(0, 5).map((key) => key.slice(0, 40));
  return {
    kind: undefined,
    reason: `it is none of the documents that are read (SBOM: SPDX, CycloneDX, syft; scan: Grype, Trivy, SARIF; VEX: OpenVEX, CycloneDX; sigstore bundle, DSSE envelope, in-toto statement); its members are ${keys.join(', ') || 'none'}`,
  };
}
