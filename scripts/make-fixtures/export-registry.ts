/**
 * Writes a repository of a registry into a folder: `content.json` (tags, blobs, manifests in pushing order) and `blobs/<hex>`.
 * Usage: export-registry.ts URL REPOSITORY FOLDER
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Descriptor {
  digest: string;
  mediaType: string;
}

const accepted = [
  'oci.image.index.v1',
  'oci.image.manifest.v1',
  'docker.distribution.manifest.list.v2',
  'docker.distribution.manifest.v2',
]
  .map((name) => `application/vnd.${name}+json`)
  .join(', ');
const [url, repository, folder] = process.argv.slice(2);
if (url === undefined || repository === undefined || folder === undefined)
  throw new Error('usage: export-registry.ts URL REPOSITORY FOLDER');
const blobs = join(folder, 'blobs');
const tags: Record<string, string> = {};
const manifests = new Map<string, Descriptor>();
const contents = new Set<string>();

async function fetchBytes(path: string): Promise<{ bytes: Buffer; mediaType: string }> {
  const response = await fetch(`${url}/v2/${repository}/${path}`, { headers: { accept: accepted } });
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return { bytes: Buffer.from(await response.arrayBuffer()), mediaType: response.headers.get('content-type') ?? '' };
}

function keep(bytes: Buffer): string {
  const hex = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(blobs, hex), bytes);
  return `sha256:${hex}`;
}

async function exportManifest(reference: string): Promise<string> {
  const { bytes, mediaType } = await fetchBytes(`manifests/${reference}`);
  const digest = keep(bytes);
  const document = JSON.parse(bytes.toString('utf8')) as {
    manifests?: Descriptor[];
    config?: Descriptor;
    layers?: Descriptor[];
  };
  for (const child of document.manifests ?? []) await exportManifest(child.digest);
  for (const blob of [document.config, ...(document.layers ?? [])])
    if (blob !== undefined) contents.add(keep((await fetchBytes(`blobs/${blob.digest}`)).bytes));
  manifests.set(digest, { digest, mediaType });
  return digest;
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(blobs, { recursive: true });
const listed = JSON.parse((await fetchBytes('tags/list')).bytes.toString('utf8')) as { tags: string[] };
for (const tag of listed.tags.sort()) tags[tag] = await exportManifest(tag);
writeFileSync(
  join(folder, 'content.json'),
  `${JSON.stringify({ tags, manifests: [...manifests.values()], blobs: [...contents] }, null, 2)}\n`,
);
