import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where to push: a registry's base URL and a repository in it. */
export interface PushTarget {
  registry: { url: string };
  repository: string;
}

export interface PushedDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
}

export interface LayerContent {
  mediaType: string;
  bytes: Uint8Array;
  annotations?: Record<string, string>;
}

export const imageManifestType = 'application/vnd.oci.image.manifest.v1+json';
export const imageIndexType = 'application/vnd.oci.image.index.v1+json';
const emptyConfigType = 'application/vnd.oci.empty.v1+json';
const accepted = [
  imageIndexType,
  imageManifestType,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Pushes a blob that may be there already. */
export async function pushBlob(
  target: PushTarget,
  bytes: Uint8Array,
  mediaType = 'application/octet-stream',
): Promise<PushedDescriptor> {
  const base = `${target.registry.url}/v2/${target.repository}/blobs/`;
  const digest = digestOf(bytes);
  const started = await fetch(`${base}uploads/`, { method: 'POST' });
  const location = started.headers.get('location');
  if (started.status !== 202 || location === null) throw new Error(`blob upload: status ${started.status}`);
  const url = new URL(location, base);
  url.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const done = await fetch(url, { method: 'PUT', body: Uint8Array.from(bytes), headers });
  if (done.status !== 201) throw new Error(`blob ${digest}: status ${done.status} ${await done.text()}`);
  return { mediaType, digest, size: bytes.length };
}

/** Pushes a manifest or index under its digest and, if given, a tag; `hasReferrers` tells whether the registry lists subjects itself. */
export async function pushManifest(
  target: PushTarget,
  manifest: Uint8Array | object,
  mediaType: string,
  tag?: string,
): Promise<PushedDescriptor & { hasReferrers: boolean }> {
  const bytes = manifest instanceof Uint8Array ? manifest : Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  let hasReferrers = false;
  for (const reference of tag === undefined ? [digest] : [digest, tag]) {
    const url = `${target.registry.url}/v2/${target.repository}/manifests/${reference}`;
    const headers = { 'content-type': mediaType };
    const response = await fetch(url, { method: 'PUT', body: Uint8Array.from(bytes), headers });
    if (response.status !== 201)
      throw new Error(`manifest ${reference}: status ${response.status} ${await response.text()}`);
    hasReferrers = response.headers.has('oci-subject');
  }
  return { mediaType, digest, size: bytes.length, hasReferrers };
}

/** A manifest's bytes and descriptor; undefined when there is none. */
export async function fetchManifest(
  target: PushTarget,
  reference: string,
): Promise<{ bytes: Buffer; descriptor: PushedDescriptor } | undefined> {
  const url = `${target.registry.url}/v2/${target.repository}/manifests/${reference}`;
  const response = await fetch(url, { headers: { accept: accepted } });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`manifest ${reference}: status ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const mediaType = response.headers.get('content-type') ?? imageManifestType;
  return { bytes, descriptor: { mediaType, size: bytes.length, digest: digestOf(bytes) } };
}

/**
 * Attaches an artifact to a digest as oras and cosign do: a manifest with a subject and, where the registry has no
 * referrers API, an entry in the index under the tag sha256-<hex>.
 */
export async function attachReferrer(
  target: PushTarget,
  subjectDigest: string,
  artifact: {
    artifactType: string;
    layers: readonly LayerContent[];
    annotations?: Record<string, string>;
    config?: object;
  },
): Promise<PushedDescriptor> {
  const subject = await fetchManifest(target, subjectDigest);
  if (subject === undefined) throw new Error(`${subjectDigest} is not in ${target.repository}`);
  const { artifactType, annotations } = artifact;
  const empty = await pushBlob(target, Buffer.from('{}'), emptyConfigType);
  const layers: object[] = [];
  for (const layer of artifact.layers) {
    const { mediaType, digest, size } = await pushBlob(target, layer.bytes, layer.mediaType);
    layers.push({ mediaType, size, digest, ...(layer.annotations ? { annotations: layer.annotations } : {}) });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifestType,
    config: artifact.config ?? { mediaType: empty.mediaType, size: empty.size, digest: empty.digest, artifactType },
    layers,
    ...(annotations === undefined ? {} : { annotations }),
    subject: subject.descriptor,
    artifactType,
  };
  const { hasReferrers, ...pushed } = await pushManifest(target, manifest, imageManifestType);
  if (!hasReferrers) await addToReferrersTag(target, subjectDigest, { ...pushed, artifactType });
  return pushed;
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema */
export async function addToReferrersTag(
  target: PushTarget,
  subjectDigest: string,
  entry: PushedDescriptor,
): Promise<void> {
  const tag = subjectDigest.replace(':', '-');
  const present = await fetchManifest(target, tag);
  const manifests =
    present === undefined ? [] : (JSON.parse(present.bytes.toString('utf8')) as { manifests: object[] }).manifests;
  const { mediaType, size, digest, artifactType } = entry;
  const index = {
    schemaVersion: 2,
    mediaType: imageIndexType,
    manifests: [...manifests, { mediaType, size, digest, artifactType }],
  };
  await pushManifest(target, index, imageIndexType, tag);
}

const fixtureFolder = fileURLToPath(new URL('../fixtures/papers/', import.meta.url));

/** Deletes a manifest; what lists it keeps listing it. */
export async function deleteManifest(target: PushTarget, digest: string): Promise<void> {
  const url = `${target.registry.url}/v2/${target.repository}/manifests/${digest}`;
  const response = await fetch(url, { method: 'DELETE' });
  if (response.status !== 202) throw new Error(`deleting ${digest}: status ${response.status}`);
}

/** The bytes of a file under test/fixtures/papers. */
export function readFixture(path: string): Buffer {
  return readFileSync(join(fixtureFolder, path));
}

export function fixturePath(path: string): string {
  return join(fixtureFolder, path);
}

/** Pushes everything of test/fixtures/papers/registry as it was exported; returns the digest of each tag. */
export async function copyFixture(target: PushTarget): Promise<Record<string, string>> {
  const content = JSON.parse(readFixture('registry/content.json').toString('utf8')) as {
    tags: Record<string, string>;
    manifests: { digest: string; mediaType: string }[];
    blobs: string[];
  };
  const bytesOf = (digest: string): Buffer => readFixture(`registry/blobs/${digest.slice('sha256:'.length)}`);
  for (const digest of content.blobs) await pushBlob(target, bytesOf(digest));
  for (const { digest, mediaType } of content.manifests) await pushManifest(target, bytesOf(digest), mediaType);
  const mediaTypes = new Map(content.manifests.map(({ digest, mediaType }) => [digest, mediaType]));
  for (const [tag, digest] of Object.entries(content.tags))
    await pushManifest(target, bytesOf(digest), mediaTypes.get(digest) ?? imageManifestType, tag);
  return content.tags;
}
