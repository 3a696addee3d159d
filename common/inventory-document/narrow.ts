import type { InventoryPackage as PackageMessage } from '../../proto/generated/tallyman/v1/inventory.ts';
import { type InventoryPackage, inventoryLimits, type PackageType } from '../inventory.ts';
import { InventoryDocumentError } from './limits.ts';

const types: ReadonlySet<string> = new Set<PackageType>([
  ...(['deb', 'apk', 'rpm', 'npm', 'pypi', 'golang', 'maven', 'gem', 'cargo'] as const),
]);
const maxLicenses = 256;

export function narrowText(text: string): string {
  return text.slice(0, inventoryLimits.maxTextLength);
}

/** @throws InventoryDocumentError a package that can be none */
export function narrowPackage(found: PackageMessage, layerCount: number): InventoryPackage {
  const { type, name, purl, layerNumber } = found;
  if (!types.has(type)) throw malformed(`"${type.slice(0, 32)}" is no type of packages`);
  if (name === '' || !purl.startsWith(`pkg:${type}/`)) throw malformed('a package has no name, or no purl of its type');
  if (layerNumber > layerCount) throw malformed('a package is in a layer that there is not');
  return {
    type: type as PackageType,
    name: narrowText(name),
    version: narrowText(found.version),
    purl: narrowText(purl),
    architecture: narrowText(found.architecture),
    sourceName: narrowText(found.sourceName),
    sourceVersion: narrowText(found.sourceVersion),
    licenses: found.licenses.slice(0, maxLicenses).map(narrowText),
    layer: layerNumber - 1,
    location: narrowText(found.location),
    directories: found.directories.slice(0, inventoryLimits.maxDirectoriesPerPackage).map(narrowText),
  };
}

function malformed(reason: string): InventoryDocumentError {
  return new InventoryDocumentError('inventory-malformed', `the inventory cannot be read: ${reason}`);
}
