import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { imageManifestType, type PushTarget, pushBlob, pushManifest } from './push-papers.ts';

/** An empty tar with a name in it: what a layer is does not matter here, only which one it is. */
export function layerTar(name: string): Buffer {
  const tar = Buffer.alloc(1536);
  tar.write(name, 0, 'latin1');
  return tar;
}

/** The layer that builders write for a step that changes no file. */
export const emptyLayerTar = Buffer.alloc(1024);

export interface LayeredImage {
  layers: readonly Buffer[];
  created?: string;
  tag?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  /** Compressed differently, the same layer has another digest. */
  compressionLevel?: number;
}

/** Pushes an image of these layers; answers the digest of its manifest. */
export async function pushLayeredImage(target: PushTarget, image: LayeredImage): Promise<string> {
  const diffIds = image.layers.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`);
  const config = {
    os: 'linux',
    architecture: 'amd64',
    ...(image.created === undefined ? {} : { created: image.created }),
    config: { Labels: image.labels ?? {} },
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
  const layers = [];
  for (const tar of image.layers)
    layers.push(
      await pushBlob(
        target,
        gzipSync(tar, { level: image.compressionLevel ?? 6 }),
        'application/vnd.oci.image.layer.v1.tar+gzip',
      ),
    );
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifestType,
    config: await pushBlob(target, Buffer.from(JSON.stringify(config)), 'application/vnd.oci.image.config.v1+json'),
    layers,
    ...(image.annotations === undefined ? {} : { annotations: image.annotations }),
  };
  const { digest } = await pushManifest(target, manifest, imageManifestType, image.tag);
  return digest;
}
