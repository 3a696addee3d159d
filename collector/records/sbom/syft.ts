import { z } from 'zod';
import { SbomBuilder } from './builder.ts';
import { parseSourceRpm } from './component.ts';
import { tooMany } from './limits.ts';
import { limits, type ParsedSbom } from './model.ts';

const text = z.string().max(limits.maxTextLength);
const longText = z.string().max(64 * 1024);
const location = z.object({
  path: text.optional(),
  layerID: text.optional(),
  annotations: z.object({ evidence: text.optional() }).nullish(),
});
const metadata = z.object({
  files: z
    .array(
      z.object({
        path: text.optional(),
        digest: z.object({ algorithm: text.nullish(), value: text.nullish() }).nullish().catch(null),
      }),
    )
    .nullish(),
  architecture: text.nullish(),
  source: text.nullish(),
  sourceVersion: text.nullish(),
  originPackage: text.nullish(),
  sourceRpm: text.nullish(),
  sitePackagesRootPath: text.nullish(),
  topLevelPackages: z.array(text).max(10_000).nullish(),
});
type Metadata = z.infer<typeof metadata>;

/** https://github.com/anchore/syft/tree/main/schema/json (16.x); only the fields that are read. */
const schema = z.object({
  artifacts: z.array(
    z.object({
      id: text,
      name: text,
      version: text.nullish(),
      type: text.nullish(),
      purl: text.nullish(),
      locations: z.array(location).nullish(),
      licenses: z
        .array(z.union([text, z.object({ value: longText.nullish(), spdxExpression: longText.nullish() })]))
        .nullish()
        .catch(null),
      metadata: metadata.nullish().catch(null),
    }),
  ),
  artifactRelationships: z
    .array(z.object({ parent: text, child: text, type: text }))
    .max(limits.maxRelationships)
    .nullish(),
  files: z
    .array(
      z.object({
        id: text,
        location: z.object({ path: text.optional(), layerID: text.optional() }),
        metadata: z.object({ mode: z.number().nullish(), linkDestination: text.nullish() }).nullish().catch(null),
        digests: z
          .array(z.object({ algorithm: text, value: text }))
          .nullish()
          .catch(null),
      }),
    )
    .max(limits.maxFiles)
    .nullish(),
  source: z
    .object({
      name: text.nullish(),
      metadata: z
        .object({
          imageID: text.nullish(),
          manifestDigest: text.nullish(),
          repoDigests: z.array(text).max(1_000).nullish(),
        })
        .nullish()
        .catch(null),
    })
    .nullish(),
  distro: z.object({ id: text.nullish(), versionID: text.nullish() }).nullish(),
  descriptor: z.object({ name: text.nullish(), version: text.nullish(), timestamp: text.nullish() }).nullish(),
});
type Document = z.infer<typeof schema>;
type Artifact = Document['artifacts'][number];

/** Whether JSON is syft's own format. */
export function isSyft(json: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(json.artifacts) && typeof json.descriptor === 'object' && json.descriptor !== null;
}

/** Reads syft JSON; throws ZodError or SbomError. */
export function readSyft(json: unknown): ParsedSbom {
  const document = schema.parse(json);
  const builder = new SbomBuilder();
  if (document.artifacts.length > limits.maxComponents) throw tooMany('packages', limits.maxComponents);
  const byId = new Map<string, number>();
  for (const artifact of document.artifacts) byId.set(artifact.id, addArtifact(builder, artifact));
  addRelationships(builder, document, byId);
  addFileFacts(builder, document);
  const image = document.source?.metadata;
  for (const digest of [image?.imageID, image?.manifestDigest, ...(image?.repoDigests ?? [])])
    builder.addDescribed(digest ?? undefined);
  if (document.distro?.id) builder.setDistro(document.distro.id, document.distro.versionID ?? '');
  const { descriptor, source } = document;
  return builder.build({
    format: 'syft',
    name: source?.name ?? '',
    generator: descriptor?.name ? `${descriptor.name} ${descriptor.version ?? ''}`.trim() : undefined,
    createdAt: descriptor?.timestamp ?? undefined,
  });
}

function addArtifact(builder: SbomBuilder, artifact: Artifact): number {
  const own = artifact.metadata ?? {};
  const locations = artifact.locations ?? [];
  const sourceRpm = parseSourceRpm(own.sourceRpm);
  const component = builder.addComponent({
    purl: artifact.purl || undefined,
    name: artifact.name,
    version: artifact.version === 'UNKNOWN' ? '' : (artifact.version ?? undefined),
    type: artifact.type ?? undefined,
    sourceName: own.source || own.originPackage || sourceRpm?.name,
    sourceVersion: own.sourceVersion || sourceRpm?.version,
    layerDigest: locations[0]?.layerID,
    architecture: own.architecture || undefined,
    licenses: (artifact.licenses ?? []).map((license) =>
      typeof license === 'string' ? license : license.spdxExpression || license.value || '',
    ),
  });
  for (const { path, annotations } of locations)
    if (path !== undefined && annotations?.evidence !== 'supporting') builder.addEvidence(path, component);
  addFiles(builder, own, component);
  return component;
}

/** Paths are absolute for distribution packages, and below site-packages for Python. */
function addFiles(builder: SbomBuilder, own: Metadata, component: number): void {
  const root = own.sitePackagesRootPath ?? '';
  if (root === '' && !builder.isOsPackage(component)) return;
  for (const { path, digest } of own.files ?? [])
    if (path !== undefined) {
      const digests = [{ algorithm: digest?.algorithm ?? '', value: hexOf(digest?.value ?? '') }];
      builder.addFile(path.startsWith('/') ? path : `${root}/${path}`, component, { digests });
    }
  for (const name of root === '' ? [] : (own.topLevelPackages ?? []))
    builder.addDirectory(`${root}/${name}`, component);
}

/** apk writes "Q1" and base64, Python's RECORD URL-safe base64 without padding. */
function hexOf(value: string): string {
  if (/^Q1[\w+/]{27}=$/.test(value)) return Buffer.from(value.slice(2), 'base64').toString('hex');
  return /^[\w-]{43}$/.test(value) ? Buffer.from(value, 'base64url').toString('hex') : value;
}

function addRelationships(builder: SbomBuilder, document: Document, byId: ReadonlyMap<string, number>): void {
  const paths = new Map((document.files ?? []).map(({ id, location: { path } }) => [id, path]));
  for (const { parent, child, type } of document.artifactRelationships ?? []) {
    const from = byId.get(parent);
    if (from === undefined) continue;
    const path = paths.get(child);
    const to = byId.get(child);
    if (type === 'contains' && path !== undefined) builder.addFile(path, from);
    else if (type === 'ownership-by-file-overlap' && to !== undefined) builder.addOverlap(from, to);
    else if (type === 'dependency-of') builder.addDependency(from);
  }
}

/** syft writes modes as decimal digits that are to be read as octal ones: 755. */
function addFileFacts(builder: SbomBuilder, document: Document): void {
  for (const { location, metadata: own, digests } of document.files ?? []) {
    if (location.path === undefined) continue;
    const mode =
      own?.mode == null || !/^[0-7]{1,5}$/.test(`${own.mode}`) ? undefined : Number.parseInt(`${own.mode}`, 8);
    const linkTarget = own?.linkDestination || undefined;
    const facts = { layerDigest: location.layerID, linkTarget, mode, digests: digests ?? [] };
    if (linkTarget === undefined) builder.addFacts(location.path, facts);
    else builder.addLink(location.path, facts);
  }
}
