import { z } from 'zod';
import { SbomBuilder } from './builder.ts';
import { SbomError } from './errors.ts';
import { limits, type ParsedSbom } from './model.ts';

const text = z.string().max(limits.maxTextLength);
const hashes = z
  .array(z.object({ algorithm: text.nullish(), hashValue: text.nullish() }))
  .nullish()
  .catch(null);

/** An element of the graph, whichever: only fields that are read. https://spdx.github.io/spdx-spec/v3.0.1/serializations/ */
const element = z.object({
  type: text.nullish(),
  spdxId: text.nullish(),
  name: text.nullish(),
  comment: z
    .string()
    .max(64 * 1024)
    .nullish(),
  created: text.nullish(),
  software_packageVersion: text.nullish(),
  software_packageUrl: text.nullish(),
  software_primaryPurpose: text.nullish(),
  rootElement: z.array(text).max(1_000).nullish().catch(null),
  externalIdentifier: z
    .array(z.object({ externalIdentifierType: text.nullish(), identifier: text.nullish() }))
    .nullish()
    .catch(null),
  verifiedUsing: hashes,
  relationshipType: text.nullish(),
  from: text.nullish(),
  to: z.array(text).max(limits.maxRelationships).nullish(),
});
type Element = z.infer<typeof element>;
const schema = z.object({ '@graph': z.array(element).max(limits.maxFiles + limits.maxRelationships) });

/** SPDX 3 is JSON-LD with an @graph. */
export function isSpdx3(json: Readonly<Record<string, unknown>>): boolean {
  return contextOf(json).includes('spdx.org/rdf/3.') || /^SPDX-3\./.test(String(json.spdxVersion ?? ''));
}

function contextOf(json: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(json['@context'] ?? '').slice(0, 10_000);
}

/** Reads SPDX 3.0 JSON-LD; throws ZodError or SbomError. */
export function readSpdx3(json: unknown): ParsedSbom {
  const elements = schema.parse(json)['@graph'];
  if (!elements.some(({ type }) => type === 'SpdxDocument' || type === 'software_Sbom'))
    throw new SbomError('SBOM_MALFORMED', 'the SPDX 3 graph has neither SpdxDocument nor software_Sbom');
  const builder = new SbomBuilder();
  const roots = new Set(elements.flatMap(({ rootElement }) => rootElement ?? []));
  const packages = new Map<string, number>();
  const files = new Map<string, Element>();
  for (const found of elements) {
    if (found.spdxId == null || found.name == null) continue;
    if (found.type === 'software_File') files.set(found.spdxId, found);
    else if (found.type === 'software_Package') {
      if (found.software_primaryPurpose === 'container' || isImage(found, roots)) describe(builder, found);
      else packages.set(found.spdxId, addPackage(builder, found));
    }
  }
  addRelationships(builder, elements, packages, files);
  for (const { name, comment, verifiedUsing } of files.values())
    builder.addFacts(name ?? '', {
      layerDigest: /^layerID: (\S+)/m.exec(comment ?? '')?.[1],
      digests: digestsOf(verifiedUsing),
    });
  const ofType = (type: string): Element | undefined => elements.find((found) => found.type === type);
  return builder.build({
    format: 'spdx-3.0',
    name: ofType('SpdxDocument')?.name ?? '',
    generator: ofType('Tool')?.name ?? undefined,
    createdAt: ofType('CreationInfo')?.created ?? undefined,
  });
}

/** A root of the document that is an image: it contains everything and owns nothing. */
function isImage(found: Element, roots: ReadonlySet<string>): boolean {
  return roots.has(found.spdxId ?? '') && (purlOf(found) ?? 'pkg:oci/').startsWith('pkg:oci/');
}

function purlOf(found: Element): string | undefined {
  const identifier = found.externalIdentifier?.find(
    ({ externalIdentifierType }) => externalIdentifierType === 'packageUrl',
  )?.identifier;
  return found.software_packageUrl ?? identifier ?? undefined;
}

function addPackage(builder: SbomBuilder, found: Element): number {
  return builder.addComponent({
    purl: purlOf(found),
    name: found.name ?? '',
    version: found.software_packageVersion ?? undefined,
    type: undefined,
  });
}

function describe(builder: SbomBuilder, found: Element): void {
  builder.addDescribed(found.software_packageVersion ?? undefined);
  builder.addDescribed(purlOf(found));
  for (const { algorithm, value } of digestsOf(found.verifiedUsing))
    if (algorithm === 'sha256') builder.addDescribed(`sha256:${value}`);
}

function digestsOf(sums: Element['verifiedUsing']): { algorithm: string; value: string }[] {
  return (sums ?? []).map(({ algorithm, hashValue }) => ({ algorithm: algorithm ?? '', value: hashValue ?? '' }));
}

function addRelationships(
  builder: SbomBuilder,
  elements: readonly Element[],
  packages: ReadonlyMap<string, number>,
  files: ReadonlyMap<string, Element>,
): void {
  for (const { from, to, relationshipType, comment } of elements) {
    const owner = packages.get(from ?? '');
    if (owner === undefined) continue;
    for (const id of to ?? []) {
      const path = files.get(id)?.name;
      const other = packages.get(id);
      if (relationshipType === 'contains' && path != null) builder.addFile(path, owner);
      else if (relationshipType === 'dependsOn' && other !== undefined) builder.addDependency(other);
      else if (relationshipType !== 'other') continue;
      else if (comment?.startsWith('evident-by:') && path != null) builder.addEvidence(path, owner);
      else if (comment?.startsWith('ownership-by-file-overlap:') && other !== undefined)
        builder.addOverlap(owner, other);
    }
  }
}
