import { z } from 'zod';
import { ownedOccurrence } from '../../../common/sbom-export/cyclonedx.ts';
import { SbomBuilder } from './builder.ts';
import { SbomError } from './errors.ts';
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
const component = z.object({
  'bom-ref': text.nullish(),
  type: text,
  name: text,
  group: text.nullish(),
  version: text.nullish(),
  purl: text.nullish(),
  properties,
  evidence: z
    .object({ occurrences: z.array(z.object({ location: text, additionalContext: text.nullish() })).nullish() })
    .nullish()
    .catch(null),
});
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
      component: z.object({ name: text.nullish() }).nullish(),
    })
    .nullish(),
  components: z.array(component).nullish(),
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
  for (const entry of document.components ?? []) {
    if (entry.type === 'operating-system') builder.setDistro(entry.name, entry.version ?? '');
    else if (entry.type !== 'file') {
      const number = addComponent(builder, entry);
      if (entry['bom-ref']) byRef.set(entry['bom-ref'], number);
    }
  }
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

function addComponent(builder: SbomBuilder, entry: CdxComponent): number {
  const values = new Map((entry.properties ?? []).map(({ name, value }) => [name, value ?? '']));
  const get = (...names: string[]): string | undefined => names.map((name) => values.get(name)).find(Boolean);
  const number = builder.addComponent({
    purl: entry.purl || undefined,
    name: entry.group && !entry.purl ? `${entry.group}/${entry.name}` : entry.name,
    version: entry.version ?? undefined,
    type: get('syft:package:type', 'aquasecurity:trivy:PkgType') ?? entry.type,
    sourceName: get('syft:metadata:source', 'syft:metadata:originPackage', 'aquasecurity:trivy:SrcName'),
    sourceVersion: get('syft:metadata:sourceVersion', 'aquasecurity:trivy:SrcVersion'),
    layerDigest: get('syft:location:0:layerID', 'aquasecurity:trivy:LayerDiffID'),
  });
  const paths = [get('syft:location:0:path'), get('aquasecurity:trivy:FilePath')];
  for (const path of paths) if (path) builder.addEvidence(path, number);
  for (const { location, additionalContext } of entry.evidence?.occurrences ?? [])
    if (additionalContext === ownedOccurrence) builder.addFile(location, number);
    else builder.addEvidence(location.replace(/#\d+$/, ''), number);
  return number;
}

function generatorOf(document: Document): string | undefined {
  const tools = document.metadata?.tools;
  const tool = Array.isArray(tools) ? tools[0] : tools?.components?.[0];
  return tool?.name ? `${tool.name} ${tool.version ?? ''}`.trim() : undefined;
}
