import { z } from 'zod';
import { SbomBuilder } from './builder.ts';
import { limits, type ParsedSbom } from './model.ts';

const text = z.string().max(limits.maxTextLength);
const longText = z.string().max(64 * 1024);
const checksums = z
  .array(z.object({ algorithm: text, checksumValue: text }))
  .nullish()
  .catch(null);

/** SPDX 2.2 and 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/); only the fields that are read. */
const schema = z.object({
  spdxVersion: text,
  name: text.nullish(),
  creationInfo: z.object({ created: text.nullish(), creators: z.array(text).max(1000).nullish() }).nullish(),
  /** Optional in the format; a document without it is no SBOM of anything. */
  packages: z.array(
    z.object({
      SPDXID: text,
      name: text,
      versionInfo: text.nullish(),
      licenseDeclared: longText.nullish(),
      licenseConcluded: longText.nullish(),
      attributionTexts: z.array(longText).nullish().catch(null),
      annotations: z
        .array(z.object({ comment: longText.nullish() }))
        .nullish()
        .catch(null),
      checksums,
      sourceInfo: longText.nullish(),
      primaryPackagePurpose: text.nullish(),
      hasFiles: z.array(text).nullish(),
      externalRefs: z.array(z.object({ referenceType: text, referenceLocator: longText })).nullish(),
    }),
  ),
  files: z
    .array(z.object({ SPDXID: text, fileName: text, comment: longText.nullish(), checksums }))
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
type SpdxPackage = Document['packages'][number];

export function isSpdx2(json: Readonly<Record<string, unknown>>): boolean {
  return typeof json.spdxVersion === 'string' && json.spdxVersion.startsWith('SPDX-2.');
}

/** Reads SPDX 2 JSON; throws ZodError or SbomError. */
export function readSpdx(json: unknown): ParsedSbom {
  const document = schema.parse(json);
  const builder = new SbomBuilder();
  const roots = rootsOf(document);
  const byId = new Map<string, number>();
  const paths = new Map((document.files ?? []).map(({ SPDXID, fileName }) => [SPDXID, fileName]));
  for (const entry of document.packages) {
    if (roots.has(entry.SPDXID)) {
      describe(builder, entry);
      continue;
    }
    const component = addPackage(builder, entry);
    byId.set(entry.SPDXID, component);
    for (const id of entry.hasFiles ?? []) {
      const path = paths.get(id);
      if (path !== undefined) builder.addFile(path, component);
    }
  }
  addRelationships(builder, document, byId, paths);
  for (const { fileName, comment, checksums: sums } of document.files ?? [])
    builder.addFacts(fileName, {
      layerDigest: /^layerID: (\S+)/m.exec(comment ?? '')?.[1],
      digests: (sums ?? []).map(({ algorithm, checksumValue }) => ({ algorithm, value: checksumValue })),
    });
  return builder.build({
    format: 'spdx-2.3',
    name: document.name ?? '',
    generator: generatorOf(document),
    createdAt: document.creationInfo?.created ?? undefined,
  });
}

function addPackage(builder: SbomBuilder, entry: SpdxPackage): number {
  const notes = trivyNotes(entry);
  const component = builder.addComponent({
    purl: purlOf(entry),
    name: entry.name,
    version: entry.versionInfo && entry.versionInfo !== 'NOASSERTION' ? entry.versionInfo : undefined,
    type: notes.get('PkgType'),
    sourceName: notes.get('SrcName'),
    sourceVersion: [notes.get('SrcVersion'), notes.get('SrcRelease')].filter(Boolean).join('-') || undefined,
    layerDigest: notes.get('LayerDiffID'),
    licenses: [entry.licenseDeclared ?? '', entry.licenseConcluded ?? ''],
  });
  const path = notes.get('FilePath');
  if (path !== undefined) builder.addEvidence(path, component);
  return component;
}

const purlOf = (entry: SpdxPackage): string | undefined =>
  entry.externalRefs?.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator;

/** Trivy writes what SPDX has no field for as "Key: value", in annotations or, before, in attribution texts. */
function trivyNotes(entry: SpdxPackage): Map<string, string> {
  const lines = [...(entry.annotations ?? []).map(({ comment }) => comment ?? ''), ...(entry.attributionTexts ?? [])];
  const notes = lines.map((line) => /^([A-Za-z]+): (\S.*)$/.exec(line));
  return new Map(notes.filter((note) => note !== null).map(([, key = '', value = '']) => [key, value]));
}

/** The image itself: its digest stands in the version, in a checksum or in the purl. */
function describe(builder: SbomBuilder, entry: SpdxPackage): void {
  builder.addDescribed(entry.versionInfo ?? undefined);
  builder.addDescribed(purlOf(entry));
  for (const note of ['ImageID', 'RepoDigest']) builder.addDescribed(trivyNotes(entry).get(note));
  for (const { algorithm, checksumValue } of entry.checksums ?? [])
    if (algorithm === 'SHA256') builder.addDescribed(`sha256:${checksumValue}`);
}

/** What the document describes: the image, which contains everything and owns nothing. */
function rootsOf(document: Document): Set<string> {
  const roots = new Set(document.documentDescribes ?? []);
  for (const { spdxElementId, relatedSpdxElement, relationshipType } of document.relationships ?? [])
    if (relationshipType === 'DESCRIBES' && spdxElementId === 'SPDXRef-DOCUMENT') roots.add(relatedSpdxElement);
  const isImage = (purpose: string | null | undefined): boolean =>
    purpose === 'CONTAINER' || purpose === 'OPERATING-SYSTEM';
  for (const { SPDXID, primaryPackagePurpose } of document.packages)
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
