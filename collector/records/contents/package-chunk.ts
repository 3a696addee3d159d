import { createHash } from 'node:crypto';
import type { Component } from '../papers.ts';
import { packageKeyBytes } from './file-chunk.ts';

/** A package as a chunk holds it. What differs between images with the same package, its layer, is kept with the image. */
export interface ChunkPackage {
  component: Component;
  directories: readonly string[];
  /** Keys of distribution packages that own its files. */
  distributors: readonly string[];
}

/** Names a package in all images: a hash in hex of what is known of it beside its layer. */
export function packageKey(component: Component): string {
  return createHash('sha256')
    .update(JSON.stringify(fieldsOf(component)))
    .digest('hex')
    .slice(0, packageKeyBytes * 2);
}

type Fields = [
  purl: string,
  name: string,
  version: string,
  type: string,
  sourceName: string,
  sourceVersion: string,
  architecture: string,
  location: string,
  licenses: readonly string[],
];

function fieldsOf(component: Component): Fields {
  const { purl, name, version, type, sourceName, sourceVersion, architecture, location, licenses } = component;
  return [
    purl,
    name,
    version,
    type,
    sourceName ?? '',
    sourceVersion ?? '',
    architecture ?? '',
    location ?? '',
    licenses ?? [],
  ];
}

export function encodePackageChunk(packages: readonly ChunkPackage[]): Buffer {
  const rows = packages.map(({ component, directories, distributors }) => [
    fieldsOf(component),
    directories,
    distributors,
  ]);
  return Buffer.from(JSON.stringify(rows));
}

/** Throws when the bytes are no chunk. */
export function decodePackageChunk(bytes: Buffer, layerDigest: string): ChunkPackage[] {
  const rows = JSON.parse(bytes.toString('utf8')) as [Fields, string[], string[]][];
  return rows.map(([fields, directories, distributors]) => {
    const [purl, name, version, type, sourceName, sourceVersion, architecture, location, licenses] = fields;
    const component: Component = {
      purl,
      name,
      version,
      type,
      sourceName: sourceName || undefined,
      sourceVersion: sourceVersion || undefined,
      layerDigest: layerDigest || undefined,
      architecture: architecture || undefined,
      licenses,
      location: location || undefined,
    };
    return { component, directories, distributors };
  });
}
