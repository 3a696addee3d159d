import { createHash } from 'node:crypto';
import type { ContentFile, Contents } from '../../collector/records/contents/contents.ts';
import type { Component } from '../../collector/records/papers.ts';

export interface ImageShape {
  baseImages: number;
  basePackages: number;
  baseFiles: number;
  ownPackages: number;
  ownFiles: number;
  /** Files of the base that an image replaces or removes. */
  replacedFiles: number;
}

/** 500 packages and 20 000 files, of which the base image brings 400 and 14 000. */
export const realisticShape: ImageShape = {
  ...{ baseImages: 20, basePackages: 400, baseFiles: 14_000, ownPackages: 100, ownFiles: 6_000, replacedFiles: 12 },
};

const hex = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);

function debian(base: number, number: number, layerDigest: string): Component {
  const name = `libexample${number}`;
  const version = `${1 + (base % 3)}.${number % 40}-${base % 5}`;
  return {
    ...{ name, version, type: 'deb', purl: `pkg:deb/debian/${name}@${version}?arch=amd64&distro=debian-12` },
    ...{ sourceName: `example${number % 250}`, sourceVersion: version, layerDigest, architecture: 'amd64' },
    ...{ licenses: ['GPL-2.0-or-later'], location: '/var/lib/dpkg/status' },
  };
}

/** Directories with some files each, as distributions and node_modules have them. */
function baseFile(base: number, number: number, layerDigest: string, packages: number): ContentFile {
  const owner = number % packages;
  const folder = [
    'bin',
    `lib/x86_64-linux-gnu/mod${owner}`,
    `share/doc/libexample${owner}`,
    `share/locale/l${number % 90}/LC_MESSAGES`,
  ];
  const path = `/usr/${folder[number % 4]}/file-${number}${number % 4 === 1 ? '.so.1.2' : ''}`;
  return {
    ...{ path, owners: [owner], evidenceOf: [], layerDigest, linkTarget: undefined, mode: 0o644 },
    digest: `md5:${hex(`${base % 3} ${number}`, 32)}`,
  };
}

const bases = new Map<number, Contents['files']>();

function baseFiles(base: number, shape: ImageShape, layerDigest: string): Contents['files'] {
  const known = bases.get(base);
  if (known !== undefined) return known;
  const files = Array.from({ length: shape.baseFiles }, (_, at) => baseFile(base, at, layerDigest, shape.basePackages));
  bases.set(base, files);
  return files;
}

/** Contents of one of many images: on one of the bases, with packages and files of its own on top. */
export function imageContents(number: number, shape: ImageShape = realisticShape): Contents {
  const base = number % shape.baseImages;
  const baseLayer = `sha256:${hex(`base ${base}`, 64)}`;
  const ownLayer = `sha256:${hex(`own ${number}`, 64)}`;
  const replaced = new Set(
    Array.from(
      { length: shape.replacedFiles },
      (_, at) => Number.parseInt(hex(`${number} ${at}`, 8), 16) % shape.baseFiles,
    ),
  );
  const own = Array.from({ length: shape.ownPackages }, (_, at): Component => {
    // Of 3 000 packages that applications choose from, in one of some versions.
    const name = `module-${Number.parseInt(hex(`${number} package ${at}`, 8), 16) % 3_000}-${at}`;
    const version = `${number % 7}.${at % 10}.0`;
    const location = `/app/node_modules/${name}/package.json`;
    return {
      ...{ name, version, type: 'npm', purl: `pkg:npm/${name}@${version}`, sourceName: undefined },
      ...{ sourceVersion: undefined, layerDigest: ownLayer, licenses: ['MIT'], location },
    };
  });
  const ownFiles = Array.from({ length: shape.ownFiles }, (_, at): ContentFile => {
    const owner = at % shape.ownPackages;
    const path = `/app/node_modules/${own[owner]?.name}/dist/part${Math.floor(at / 800)}/file-${at}.js`;
    return { path, owners: [], evidenceOf: [], layerDigest: ownLayer, linkTarget: undefined, mode: 0o644, digest: '' };
  });
  const components = Array.from({ length: shape.basePackages }, (_, at) => debian(base, at, baseLayer));
  return {
    ...{ source: 'inventory', listsAllFiles: true, usrMerge: 'links', incomplete: '' },
    components: [...components, ...own],
    files: [...baseFiles(base, shape, baseLayer).filter((_, at) => !replaced.has(at)), ...ownFiles].sort((a, b) =>
      a.path < b.path ? -1 : 1,
    ),
    directories: new Map(own.map(({ name }, at) => [shape.basePackages + at, [`/app/node_modules/${name}`]])),
    distributors: new Map(),
  };
}
