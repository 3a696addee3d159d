import type { Inventory, InventoryPackage } from '../inventory.ts';
import { isSpdxExpression, isSpdxIdentifier } from './licenses.ts';
import {
  documentUuid,
  imagePurl,
  incompleteness,
  isOsPackage,
  packageId,
  packageOrder,
  type SbomSubject,
  scannerPurl,
  syftTypes,
} from './subject.ts';

/** How an occurrence says that the package lists the file as its own, and is not only known by it. */
export const ownedOccurrence = 'owned';

/**
 * An inventory as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), the same each time. Files are occurrences of their
 * packages: those it owns say so in `additionalContext`. Layers and databases are in syft's properties, which scanners read.
 */
export function toCycloneDx(inventory: Inventory, subject: SbomSubject): object {
  const rootRef = imagePurl(subject) ?? subject.name;
  const occurrences = occurrencesOf(inventory);
  const incomplete = incompleteness(inventory);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${documentUuid(inventory, subject)}`,
    version: 1,
    metadata: {
      timestamp: subject.createdAt,
      tools: { components: [{ type: 'application', name: 'tallyman', version: subject.toolVersion }] },
      component: rootOf(inventory, subject, rootRef),
      ...(incomplete === undefined ? {} : { properties: [{ name: 'tallyman:incomplete', value: incomplete }] }),
    },
    components: [
      ...packageOrder(inventory).map((index) =>
        componentOf(inventory, inventory.packages[index]!, occurrences[index]!),
      ),
      ...operatingSystem(inventory),
    ],
    compositions: [{ aggregate: incomplete === undefined ? 'unknown' : 'incomplete', assemblies: [rootRef] }],
  };
}

function rootOf({ layers }: Inventory, subject: SbomSubject, ref: string): object {
  const purl = imagePurl(subject);
  return {
    'bom-ref': ref,
    type: purl === undefined ? 'file' : 'container',
    name: subject.name,
    ...(subject.digest === undefined ? {} : { version: subject.digest, purl }),
    properties: layers
      .map((digest, index) => ({ name: `tallyman:layer:${index}`, value: digest }))
      .filter(({ value }) => value !== ''),
  };
}

interface Occurrence {
  location: string;
  additionalContext?: string;
}

/** By position of the package; files are sorted by path already. */
function occurrencesOf({ packages, files }: Inventory): Occurrence[][] {
  const found: Occurrence[][] = packages.map(() => []);
  for (const { path, owners, evidenceOf } of files) {
    for (const owner of owners) found[owner]?.push({ location: path, additionalContext: ownedOccurrence });
    for (const owner of evidenceOf) if (!owners.includes(owner)) found[owner]?.push({ location: path });
  }
  return found;
}

function componentOf(inventory: Inventory, found: InventoryPackage, occurrences: readonly Occurrence[]): object {
  const { type, name, version, licenses, layer, location } = found;
  const [namespace = '', short = name] = type === 'npm' && name.startsWith('@') ? name.split('/', 2) : [];
  const layerDigest = inventory.layers[layer] ?? '';
  const properties = [
    { name: 'syft:package:type', value: syftTypes[type] },
    { name: 'syft:location:0:path', value: location },
    ...(layerDigest === '' ? [] : [{ name: 'syft:location:0:layerID', value: layerDigest }]),
    ...(found.architecture === '' ? [] : [{ name: 'syft:metadata:architecture', value: found.architecture }]),
    ...sourceProperties(found),
    ...found.directories.map((directory, index) => ({ name: `tallyman:directory:${index}`, value: directory })),
  ];
  const all = occurrences.some((each) => each.location === location) || isOsPackage(found);
  return {
    'bom-ref': `package-${packageId(found)}`,
    type: 'library',
    ...(namespace === '' ? {} : { group: namespace }),
    name: namespace === '' ? name : short,
    ...(version === '' ? {} : { version }),
    ...(licenses.length === 0 ? {} : { licenses: licensesOf(licenses) }),
    purl: scannerPurl(found, inventory),
    properties,
    evidence: { occurrences: all ? occurrences : [{ location }, ...occurrences] },
  };
}

function sourceProperties({ type, sourceName, sourceVersion }: InventoryPackage): object[] {
  const nameProperty = type === 'apk' ? 'syft:metadata:originPackage' : 'syft:metadata:source';
  return [
    ...(sourceName === '' ? [] : [{ name: nameProperty, value: sourceName }]),
    ...(sourceVersion === '' || type === 'apk' ? [] : [{ name: 'syft:metadata:sourceVersion', value: sourceVersion }]),
  ];
}

/** One expression alone, or any number of identifiers and names. */
function licensesOf(licenses: readonly string[]): object[] {
  const [only = ''] = licenses;
  if (licenses.length === 1 && !isSpdxIdentifier(only) && isSpdxExpression(only)) return [{ expression: only }];
  return licenses.map((text) => ({ license: isSpdxIdentifier(text) ? { id: text } : { name: text } }));
}

function operatingSystem({ distribution }: Inventory): object[] {
  if (distribution === undefined) return [];
  const { id, versionId, idLike } = distribution;
  return [
    {
      'bom-ref': 'operating-system',
      type: 'operating-system',
      name: id,
      ...(versionId === '' ? {} : { version: versionId }),
      properties: [
        { name: 'syft:distro:id', value: id },
        ...idLike.map((like, index) => ({ name: `syft:distro:idLike:${index}`, value: like })),
        ...(versionId === '' ? [] : [{ name: 'syft:distro:versionID', value: versionId }]),
      ],
    },
  ];
}
