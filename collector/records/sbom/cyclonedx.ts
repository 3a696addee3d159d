import { z } from 'zod';
import { ownedOccurrence } from '../../../common/sbom-export/cyclonedx.ts';
import { SbomBuilder } from './builder.ts';
import { parseSourceRpm } from './component.ts';
import { SbomError } from './errors.ts';
import { tooMany } from './limits.ts';
import { limits, type ParsedSbom } from './model.ts';

const text = z.string().max(limits.maxTextLength);
const properties = z
  .array(
    z.object({
      name: text,
      value: z
        .string()
        .max(64 * 1024)
        .nullish(),
    }),
  )
  .nullish();
const namedTool = z.object({ name: text.nullish(), version: text.nullish() });
const hashes = z
  .array(z.object({ alg: text, content: text }))
  .nullish()
  .catch(null);
const licenses = z
  .array(
    z.object({
      expression: text.nullish(),
      license: z.object({ id: text.nullish(), name: text.nullish() }).nullish(),
    }),
  )
  .nullish()
  .catch(null);
const component = z.object({
  'bom-ref': text.nullish(),
  type: text,
  name: text,
  group: text.nullish(),
  version: text.nullish(),
  purl: text.nullish(),
  properties,
  hashes,
  licenses,
  evidence: z
    .object({ occurrences: z.array(z.object({ location: text, additionalContext: text.nullish() })).nullish() })
    .nullish()
    .catch(null),
  /** Components within this one; read one level at a time. */
  components: z.array(z.unknown()).max(limits.maxComponents).nullish(),
});
/** Prefix of the names of trivy's properties. */
const trivy = 'aquasecurity:trivy:';
type CdxComponent = z.infer<typeof component>;

/** https://cyclonedx.org/docs/1.7/json/ (1.4 to 1.7); only the fields that are read. */
const schema = z.object({
  specVersion: text,
  metadata: z
    .object({
      timestamp: text.nullish(),
      tools: z
        .union([z.array(namedTool), z.object({ components: z.array(namedTool).nullish() })])
        .nullish()
        .catch(null),
      component: z
        .object({ name: text.nullish(), version: text.nullish(), purl: text.nullish(), hashes, properties })
        .nullish()
        .catch(null),
    })
    .nullish(),
  /** Optional in the format; without it a document says nothing of what is in an image, which is not "nothing is". */
  components: z.array(component),
  dependencies: z
    .array(z.object({ dependsOn: z.array(text).nullish() }))
    .nullish()
    .catch(null),
});
type Document = z.infer<typeof schema>;

export function isCycloneDx(json: Readonly<Record<string, unknown>>): boolean {
  return json.bomFormat === 'CycloneDX';
}

/** Reads CycloneDX JSON; throws ZodError or SbomError. Its documents say where packages are, hardly ever which files they own. */
export function readCycloneDx(json: unknown): ParsedSbom {
  const document = schema.parse(json);
  if (!/^1\.[4-7]$/.test(document.specVersion))
    throw new SbomError('SBOM_UNSUPPORTED', `CycloneDX ${document.specVersion} is not supported (1.4 to 1.7 are)`);
  const builder = new SbomBuilder();
  const byRef = new Map<string, number>();
  const files: CdxComponent[] = [];
  for (const entry of allComponents(document.components)) {
    if (entry.type === 'operating-system') builder.setDistro(entry.name, entry.version ?? '');
    else if (entry.type === 'file') files.push(entry);
    else {
      const number = addComponent(builder, entry);
      if (entry['bom-ref']) byRef.set(entry['bom-ref'], number);
    }
  }
  for (const { name, hashes: sums } of files)
    builder.addFacts(name, { digests: (sums ?? []).map(({ alg, content }) => ({ algorithm: alg, value: content })) });
  describe(builder, document);
  for (const ref of (document.dependencies ?? []).flatMap(({ dependsOn }) => dependsOn ?? [])) {
    const number = byRef.get(ref);
    if (number !== undefined) builder.addDependency(number);
  }
  return builder.build({
    format: 'cyclonedx',
    name: document.metadata?.component?.name ?? '',
    generator: generatorOf(document),
    createdAt: document.metadata?.timestamp ?? undefined,
  });
}

/** With those nested in others, breadth first; how deep is bounded for the whole document. */
function allComponents(top: readonly CdxComponent[]): CdxComponent[] {
  const found = [...top];
  for (let at = 0; at < found.length; at++) {
    if (found.length > limits.maxComponents + limits.maxFiles) throw tooMany('components', limits.maxComponents);
    for (const nested of found[at]?.components ?? []) found.push(component.parse(nested));
  }
  return found;
}

/** The image: its digest stands in the version, in a hash, in the purl or in trivy's properties. */
function describe(builder: SbomBuilder, document: Document): void {
  const image = document.metadata?.component;
  builder.addDescribed(image?.version ?? undefined);
  builder.addDescribed(image?.purl ?? undefined);
  for (const { alg, content } of image?.hashes ?? []) if (alg === 'SHA-256') builder.addDescribed(`sha256:${content}`);
  for (const { name, value } of image?.properties ?? [])
    if (name === `${trivy}ImageID` || name === `${trivy}RepoDigest`) builder.addDescribed(value ?? undefined);
}

function licensesOf(entry: CdxComponent): string[] {
  return (entry.licenses ?? []).map(({ expression, license }) => expression || license?.id || license?.name || '');
}

function addComponent(builder: SbomBuilder, entry: CdxComponent): number {
  const values = new Map((entry.properties ?? []).map(({ name, value }) => [name, value ?? '']));
  const get = (...names: string[]): string | undefined => names.map((name) => values.get(name)).find(Boolean);
  const sourceRpm = parseSourceRpm(get('syft:metadata:sourceRpm'));
  const number = builder.addComponent({
    purl: entry.purl || undefined,
    name: entry.group && !entry.purl ? `${entry.group}/${entry.name}` : entry.name,
    version: entry.version ?? undefined,
    type: get('syft:package:type', `${trivy}PkgType`) ?? entry.type,
    sourceName: get('syft:metadata:source', 'syft:metadata:originPackage', `${trivy}SrcName`) ?? sourceRpm?.name,
    sourceVersion: get('syft:metadata:sourceVersion') ?? trivySourceVersion(get) ?? sourceRpm?.version,
    layerDigest: get('syft:location:0:layerID', `${trivy}LayerDiffID`),
    licenses: licensesOf(entry),
  });
  const paths = [get('syft:location:0:path'), get(`${trivy}FilePath`)];
  for (const path of paths) if (path) builder.addEvidence(path, number);
  for (const { location, additionalContext } of entry.evidence?.occurrences ?? [])
    if (additionalContext === ownedOccurrence) builder.addFile(location, number);
    else builder.addEvidence(location.replace(/#\d+$/, ''), number);
  return number;
}

/** Trivy writes version, release and epoch apart. */
function trivySourceVersion(get: (...names: string[]) => string | undefined): string | undefined {
  const version = get(`${trivy}SrcVersion`);
  if (version === undefined) return undefined;
  const epoch = get(`${trivy}SrcEpoch`);
  const release = get(`${trivy}SrcRelease`);
  return `${epoch === undefined ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`;
}

function generatorOf(document: Document): string | undefined {
  const tools = document.metadata?.tools;
  const tool = Array.isArray(tools) ? tools[0] : tools?.components?.[0];
  return tool?.name ? `${tool.name} ${tool.version ?? ''}`.trim() : undefined;
}
