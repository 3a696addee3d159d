import { isDigest } from '../registry/digest.ts';
import type { DocumentKind } from './document-kind.ts';

/** Larger documents are not searched for the image they are about; the sender says it. */
export const maxSearchedBytes = 16 * 1024 * 1024;
const maxSubjects = 16;

type Json = unknown;

/** The digests of the image that a document says to be about; none when it does not say. Nothing of it is proven. */
export function subjectsOf(kind: DocumentKind, bytes: Uint8Array): string[] {
  if (bytes.byteLength > maxSearchedBytes) return [];
  let json: Json;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return [];
  }
  const named = readers[kind](json);
  return [...new Set(named.filter(isDigest))].slice(0, maxSubjects);
}

const readers: Readonly<Record<DocumentKind, (json: Json) => unknown[]>> = {
  'sigstore-bundle': (json) => subjectsOfPayload(at(json, 'dsseEnvelope', 'payload')),
  'dsse-envelope': (json) => subjectsOfPayload(at(json, 'payload')),
  statement: subjectsOfStatement,
  cyclonedx: (json) => {
    const root = at(json, 'metadata', 'component');
    return [at(root, 'version'), digestOfPurl(at(root, 'purl')), digestOfPurl(at(root, 'bom-ref'))];
  },
  spdx: (json) => {
    const roots = list(at(json, 'packages')).filter((one) => at(one, 'primaryPackagePurpose') === 'CONTAINER');
    return roots.flatMap((root) => [
      at(root, 'versionInfo'),
      ...list(at(root, 'externalRefs')).map((reference) => digestOfPurl(at(reference, 'referenceLocator'))),
    ]);
  },
  syft: (json) => [
    at(json, 'source', 'metadata', 'manifestDigest'),
    at(json, 'source', 'metadata', 'imageID'),
    ...list(at(json, 'source', 'metadata', 'repoDigests')).map(digestOfReference),
  ],
  grype: (json) => [
    at(json, 'source', 'target', 'manifestDigest'),
    at(json, 'source', 'target', 'imageID'),
    ...list(at(json, 'source', 'target', 'repoDigests')).map(digestOfReference),
  ],
  trivy: (json) => [
    at(json, 'Metadata', 'ImageID'),
    ...list(at(json, 'Metadata', 'RepoDigests')).map(digestOfReference),
  ],
  sarif: (json) =>
    list(at(json, 'runs')).flatMap((run) => [
      at(run, 'properties', 'imageID'),
      ...list(at(run, 'properties', 'repoDigests')).map(digestOfReference),
    ]),
  openvex: (json) =>
    list(at(json, 'statements')).flatMap((statement) =>
      list(at(statement, 'products')).map((product) => digestOfPurl(at(product, '@id'))),
    ),
};

function subjectsOfPayload(payload: Json): unknown[] {
  if (typeof payload !== 'string') return [];
  try {
    return subjectsOfStatement(JSON.parse(Buffer.from(payload, 'base64').toString('utf8')));
  } catch {
    return [];
  }
}

function subjectsOfStatement(statement: Json): unknown[] {
  return list(at(statement, 'subject')).map((subject) => `sha256:${at(subject, 'digest', 'sha256')}`);
}

/** "registry/name@sha256:…" */
function digestOfReference(text: Json): unknown {
  return typeof text === 'string' ? text.slice(text.indexOf('@') + 1) : undefined;
}

/** pkg:oci/name@sha256%3A…: https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md */
function digestOfPurl(purl: Json): unknown {
  if (typeof purl !== 'string' || !purl.startsWith('pkg:')) return undefined;
  return /@(sha256(?::|%3[aA])[0-9a-f]{64})(?:[?#]|$)/.exec(purl)?.[1]?.replace(/%3[aA]/, ':');
}

function at(value: Json, ...path: readonly string[]): Json {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value.slice(0, 10_000) : [];
}
