import type { Inventory, InventoryFile, InventoryPackage } from '../inventory.ts';
import { isSpdxExpression } from './licenses.ts';
import {
  documentUuid,
  imagePurl,
  incompleteness,
  packageId,
  packageOrder,
  type SbomSubject,
  scannerPurl,
  shortHash,
} from './subject.ts';

const documentId = 'SPDXRef-DOCUMENT';
const rootId = 'SPDXRef-DocumentRoot-Image';
const unknown = 'NOASSERTION';

interface Relationship {
  spdxElementId: string;
  relationshipType: string;
  relatedSpdxElement: string;
  comment?: string;
}

/**
 * An inventory as SPDX 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/), the same each time. A package CONTAINS the files it
 * owns; the file it is only known by is related with the comment "evident-by: …", as syft has it.
 */
export function toSpdx(inventory: Inventory, subject: SbomSubject): object {
  const licenses = new ExtractedLicenses();
  const order = packageOrder(inventory);
  const ids = inventory.packages.map((found) => `SPDXRef-Package-${found.type}-${packageId(found)}`);
  const files = inventory.files.filter(({ owners, evidenceOf }) => owners.length + evidenceOf.length > 0);
  const packages = order.map((index) => packageOf(inventory, inventory.packages[index]!, ids[index]!, licenses));
  const incomplete = incompleteness(inventory);
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: documentId,
    name: subject.name,
    documentNamespace: `urn:uuid:${documentUuid(inventory, subject)}`,
    creationInfo: {
      created: subject.createdAt.replace(/\.\d+Z$/, 'Z'),
      creators: ['Organization: Tallyman', `Tool: tallyman-${subject.toolVersion}`],
    },
    ...(incomplete === undefined ? {} : { comment: incomplete }),
    packages: [rootOf(inventory, subject), ...packages],
    files: files.map((file) => fileOf(inventory, file)),
    hasExtractedLicensingInfos: licenses.list(),
    relationships: [
      { spdxElementId: documentId, relationshipType: 'DESCRIBES', relatedSpdxElement: rootId },
      ...order.map((index): Relationship => contains(rootId, ids[index]!)),
      ...files.flatMap((file) => fileRelationships(file, ids)),
    ],
  };
}

function rootOf({ layers }: Inventory, subject: SbomSubject): object {
  const purl = imagePurl(subject);
  const digest = /^sha256:([0-9a-f]{64})$/.exec(subject.digest ?? '')?.[1];
  const told = layers.filter((layer) => layer !== '');
  return {
    SPDXID: rootId,
    name: subject.name,
    ...(subject.digest === undefined ? {} : { versionInfo: subject.digest }),
    downloadLocation: unknown,
    filesAnalyzed: false,
    primaryPackagePurpose: purl === undefined ? 'FILE' : 'CONTAINER',
    ...(digest === undefined ? {} : { checksums: [{ algorithm: 'SHA256', checksumValue: digest }] }),
    ...(purl === undefined ? {} : { externalRefs: [purlReference(purl)] }),
    ...(told.length === 0 ? {} : { comment: `layers: ${told.join(' ')}` }),
  };
}

function packageOf(inventory: Inventory, found: InventoryPackage, id: string, licenses: ExtractedLicenses): object {
  const layer = inventory.layers[found.layer] ?? '';
  const from = `found in ${found.location}${layer === '' ? '' : ` of layer ${layer}`}`;
  return {
    SPDXID: id,
    name: found.name,
    ...(found.version === '' ? {} : { versionInfo: found.version }),
    downloadLocation: unknown,
    filesAnalyzed: false,
    sourceInfo: `acquired package info from ${found.type} database: ${from}`,
    licenseConcluded: unknown,
    licenseDeclared: licenses.expressionOf(found.licenses),
    copyrightText: unknown,
    externalRefs: [purlReference(scannerPurl(found, inventory))],
  };
}

function purlReference(purl: string): object {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl };
}

function fileId(path: string): string {
  return `SPDXRef-File-${shortHash(path)}`;
}

/** SPDX demands a SHA-1: of zeros where it is not known, as syft writes it. */
function fileOf({ layers }: Inventory, { path, layer, declaredDigest }: InventoryFile): object {
  const [algorithm = '', value = ''] = declaredDigest.split(':', 2);
  const sha1 = { algorithm: 'SHA1', checksumValue: algorithm === 'sha1' ? value : '0'.repeat(40) };
  const other =
    algorithm === '' || algorithm === 'sha1' ? [] : [{ algorithm: algorithm.toUpperCase(), checksumValue: value }];
  const digest = layers[layer] ?? '';
  return {
    SPDXID: fileId(path),
    fileName: path.replace(/^\/+/, ''),
    checksums: [sha1, ...other],
    licenseConcluded: unknown,
    licenseInfoInFiles: [unknown],
    copyrightText: unknown,
    ...(digest === '' ? {} : { comment: `layerID: ${digest}` }),
  };
}

function fileRelationships({ path, owners, evidenceOf }: InventoryFile, ids: readonly string[]): Relationship[] {
  return [
    ...owners.map((owner) => contains(ids[owner]!, fileId(path))),
    ...evidenceOf
      .filter((owner) => !owners.includes(owner))
      .map((owner) => ({
        spdxElementId: ids[owner]!,
        relationshipType: 'OTHER',
        relatedSpdxElement: fileId(path),
        comment: `evident-by: indicates the package's existence is evident by the given file`,
      })),
  ];
}

function contains(spdxElementId: string, relatedSpdxElement: string): Relationship {
  return { spdxElementId, relationshipType: 'CONTAINS', relatedSpdxElement };
}

/** Texts that are no SPDX expressions, each under a name of its own. */
class ExtractedLicenses {
  readonly #texts = new Map<string, string>();

  expressionOf(licenses: readonly string[]): string {
    if (licenses.length === 0) return unknown;
    const parts = licenses.map((text) => (isSpdxExpression(text) ? this.#grouped(text, licenses) : this.#named(text)));
    return [...new Set(parts)].join(' AND ');
  }

  list(): object[] {
    return [...this.#texts]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([licenseId, text]) => ({ licenseId, extractedText: text, name: text }));
  }

  #grouped(text: string, licenses: readonly string[]): string {
    return licenses.length > 1 && / (?:AND|OR) /.test(text) ? `(${text})` : text;
  }

  #named(text: string): string {
    const id = `LicenseRef-${shortHash(text)}`;
    this.#texts.set(id, text);
    return id;
  }
}
