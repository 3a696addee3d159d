import { z } from 'zod';
import { SbomBuilder } from './builder.ts';
import { limits, type ParsedSbom } from './model.ts';

const text = z.string().max(limits.maxTextLength);
const longText = z.string().max(64 * 1024);

/** SPDX 2.2 and 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/); only the fields that are read. */
const schema = z.object({
  spdxVersion: text,
  name: text.nullish(),
  creationInfo: z.object({ created: text.nullish(), creators: z.array(text).max(1000).nullish() }).nullish(),
  packages: z
    .array(
      z.object({
        SPDXID: text,
        name: text,
        versionInfo: text.nullish(),
        sourceInfo: longText.nullish(),
        primaryPackagePurpose: text.nullish(),
        hasFiles: z.array(text).nullish(),
        externalRefs: z.array(z.object({ referenceType: text, referenceLocator: longText })).nullish(),
      }),
    )
    .nullish(),
  files: z
    .array(z.object({ SPDXID: text, fileName: text, comment: longText.nullish() }))
    .max(limits.maxFiles)
    .nullish(),
  relationships: z
    .array(
      z.object({
        spdxElementId: text,
        relatedSpdxElement: text,
        relationshipType: text,
        comment: longText.nullish(),
      }),
    )
    .max(limits.maxRelationships)
    .nullish(),
  documentDescribes: z.array(text).nullish(),
});
type Document = z.infer<typeof schema>;

export function isSpdx2(json: Readonly<Record<string, unknown>>): boolean {
  return typeof json.spdxVersion === 'string' && json.spdxVersion.startsWith('SPDX-2.');
}

/** SPDX 3 is JSON-LD with an @graph; it is recognised and not read. */
export function isSpdx3(json: Readonly<Record<string, unknown>>): boolean {
  return (
    JSON.stringify(json['@context'] ?? '').includes('spdx.org/rdf/3.') ||
    /^SPDX-3\./.test(String(json.spdxVersion ?? ''))
  );
}

/** Reads SPDX 2 JSON; throws ZodError or SbomError. */
export function readSpdx(json: unknown): ParsedSbom {
  const document = schema.parse(json);
  const builder = new SbomBuilder();
  const roots = rootsOf(document);
  const byId = new Map<string, number>();
  const paths = new Map((document.files ?? []).map(({ SPDXID, fileName }) => [SPDXID, fileName]));
  for (const entry of document.packages ?? []) {
    if (roots.has(entry.SPDXID)) continue;
    const purl = entry.externalRefs?.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator;
    const component = builder.addComponent({
      purl,
      name: entry.name,
      version: entry.versionInfo && entry.versionInfo !== 'NOASSERTION' ? entry.versionInfo : undefined,
      type: undefined,
    });
    byId.set(entry.SPDXID, component);
    for (const id of entry.hasFiles ?? []) {
      const path = paths.get(id);
      if (path !== undefined) builder.addFile(path, component);
    }
  }
  addRelationships(builder, document, byId, paths);
  return builder.build({
    format: 'spdx-2.3',
    name: document.name ?? '',
    generator: generatorOf(document),
    createdAt: document.creationInfo?.created ?? undefined,
  });
}

/** What the document describes: the image, which contains everything and owns nothing. */
function rootsOf(document: Document): Set<string> {
  const roots = new Set(document.documentDescribes ?? []);
  for (const { spdxElementId, relatedSpdxElement, relationshipType } of document.relationships ?? [])
    if (relationshipType === 'DESCRIBES' && spdxElementId === 'SPDXRef-DOCUMENT') roots.add(relatedSpdxElement);
  const isImage = (purpose: string | null | undefined): boolean =>
    purpose === 'CONTAINER' || purpose === 'OPERATING-SYSTEM';
  for (const { SPDXID, primaryPackagePurpose } of document.packages ?? [])
    if (SPDXID.startsWith('SPDXRef-DocumentRoot-') || isImage(primaryPackagePurpose)) roots.add(SPDXID);
  return roots;
}

function addRelationships(
  builder: SbomBuilder,
  document: Document,
  byId: ReadonlyMap<string, number>,
  paths: ReadonlyMap<string, string>,
): void {
  for (const { spdxElementId, relatedSpdxElement, relationshipType, comment } of document.relationships ?? []) {
    const from = byId.get(spdxElementId);
    if (from === undefined) continue;
    const path = paths.get(relatedSpdxElement);
    const to = byId.get(relatedSpdxElement);
    if (relationshipType === 'CONTAINS' && path !== undefined) builder.addFile(path, from);
    else if (relationshipType === 'DEPENDENCY_OF') builder.addDependency(from);
    else if (relationshipType !== 'OTHER') continue;
    else if (comment?.startsWith('evident-by:') && path !== undefined) builder.addEvidence(path, from);
    else if (comment?.startsWith('ownership-by-file-overlap:') && to !== undefined) builder.addOverlap(from, to);
  }
}

function generatorOf(document: Document): string | undefined {
  const tool = document.creationInfo?.creators?.find((creator) => creator.startsWith('Tool: '));
  return tool?.slice('Tool: '.length).replace(/-(\d[^-]*)$/, ' $1');
}
