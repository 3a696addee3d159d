import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OciArchive {
  /** A tar of an OCI image layout. */
  path: string;
  /** Name the image gets where it is imported. */
  reference: string;
  manifestDigest: string;
  configDigest: string;
}

/** An image of one layer: a static busybox and the applets that are named. The caller removes the archive. */
export function buildOciArchive(
  reference: string,
  entrypoint: readonly string[],
  applets: readonly string[],
): OciArchive {
  const folder = mkdtempSync(join(tmpdir(), 'tallyman-oci-'));
  try {
    const layout = join(folder, 'layout');
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    const layer = addBlob(layout, busyboxLayer(join(folder, 'root'), applets));
    const config = addJson(layout, {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Entrypoint: entrypoint },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    });
    const manifest = addJson(layout, {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
    });
    const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': reference };
    const listed = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations };
    writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [listed] }));
    writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    const path = `${folder}.tar`;
    execFileSync('tar', ['-C', layout, '-cf', path, '.']);
    return { path, reference, manifestDigest: manifest.digest, configDigest: config.digest };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function busyboxLayer(root: string, applets: readonly string[]): Buffer {
  for (const directory of ['bin', 'tmp', 'etc', 'proc', 'sys', 'dev'])
    mkdirSync(join(root, directory), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  const tar = `${root}.tar`;
  execFileSync('tar', ['-C', root, '-cf', tar, '.']);
  return readFileSync(tar);
}

function addJson(layout: string, value: unknown): { digest: string; size: number } {
  return addBlob(layout, Buffer.from(JSON.stringify(value)));
}

function addBlob(layout: string, bytes: Buffer): { digest: string; size: number } {
  const hash = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(layout, 'blobs/sha256', hash), bytes);
  return { digest: `sha256:${hash}`, size: bytes.length };
}
