import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixturePath, readFixture } from './push-papers.ts';

/** Writes test/fixtures/papers/registry as an OCI image layout; tags of images get the name in front. */
export function writeFixtureLayout(folder: string, name: string): Record<string, string> {
  const blobs = join(folder, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  for (const blob of readdirSync(fixturePath('registry/blobs')))
    copyFileSync(fixturePath(`registry/blobs/${blob}`), join(blobs, blob));
  const { tags, manifests } = JSON.parse(readFixture('registry/content.json').toString('utf8')) as {
    tags: Record<string, string>;
    manifests: { digest: string; mediaType: string }[];
  };
  const mediaTypes = new Map(manifests.map(({ digest, mediaType }) => [digest, mediaType]));
  const entries = Object.entries(tags).map(([tag, digest]) => ({
    mediaType: mediaTypes.get(digest),
    digest,
    size: readFixture(`registry/blobs/${digest.slice(7)}`).length,
    annotations: { 'org.opencontainers.image.ref.name': tag.startsWith('sha256-') ? tag : `${name}:${tag}` },
  }));
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: entries }));
  return tags;
}
