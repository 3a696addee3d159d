import type { Inventory, InventoryPackage } from '../../../common/inventory.ts';
import type { Component } from '../papers.ts';
import type { Contents } from './contents.ts';

/** Readers whose failure leaves files without the owner that they have. */
const distributionReaders = new Set(['dpkg', 'apk', 'rpm']);
const cut = new Set(['limit', 'timeout', 'too-large']);

/** What an inventory found, in the shape that contents are kept in. */
export function contentsOfInventory(inventory: Inventory): Contents {
  const { layers, packages, problems } = inventory;
  const layerOf = (layer: number): string => layers[layer] ?? '';
  const treeProblem = problems.find(({ reader }) => reader === 'tree');
  const isHiding = problems.find(({ reader, code }) => distributionReaders.has(reader) || cut.has(code));
  const hiding = treeProblem ?? isHiding;
  return {
    source: 'inventory',
    listsAllFiles: treeProblem === undefined,
    usrMerge: 'links',
    incomplete: hiding === undefined ? '' : `${hiding.reader} ${hiding.path}: ${hiding.reason}`.slice(0, 1_000),
    components: packages.map((found) => componentOf(found, layerOf(found.layer))),
    files: inventory.files.map((file) => ({
      path: file.path,
      owners: file.owners,
      evidenceOf: file.evidenceOf,
      layerDigest: layerOf(file.layer),
      linkTarget: file.kind === 'symlink' ? file.linkTarget : undefined,
      mode: file.mode,
      digest: file.declaredDigest,
    })),
    directories: new Map(
      packages.flatMap(({ directories }, number) => (directories.length > 0 ? [[number, directories]] : [])),
    ),
    distributors: new Map(),
  };
}

function componentOf(found: InventoryPackage, layerDigest: string): Component {
  return {
    purl: found.purl,
    name: found.name,
    version: found.version,
    type: found.type,
    sourceName: found.sourceName || undefined,
    sourceVersion: found.sourceVersion || undefined,
    layerDigest: layerDigest || undefined,
    architecture: found.architecture || undefined,
    licenses: found.licenses,
    location: found.location || undefined,
  };
}
