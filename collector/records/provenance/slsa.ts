import { z } from 'zod';

/** What the first round reads of provenance: who says to have built it, and from where. */
export interface ProvenanceClaim {
  builderId: string | undefined;
  sourceUri: string | undefined;
}

const text = z.string().max(4096);
const place = z
  .union([text.transform((uri) => ({ uri })), z.object({ uri: text.optional() })])
  .nullish()
  .catch(null);
const materials = z
  .array(z.object({ uri: text.nullish() }))
  .max(10_000)
  .nullish();

/** https://slsa.dev/spec/v1.0/provenance; external parameters differ by build type, so several are tried. */
const v1 = z.object({
  buildDefinition: z.object({
    externalParameters: z
      .object({
        workflow: z.object({ repository: text.nullish() }).nullish().catch(null),
        configSource: place,
        repository: place,
        source: place,
      })
      .nullish(),
    resolvedDependencies: materials,
  }),
  runDetails: z.object({ builder: z.object({ id: text }) }),
});

/** https://slsa.dev/spec/v0.2/provenance */
const v02 = z.object({
  builder: z.object({ id: text }),
  invocation: z.object({ configSource: place }).nullish(),
  materials,
});

/** Throws when the predicate does not have the shape of its type; the message names the field. */
export function parseProvenance(predicateType: string, predicate: unknown): ProvenanceClaim {
  const claim = predicateType.endsWith('/v1') ? readV1(predicate) : readV02(predicate);
  return { builderId: claim.builderId || undefined, sourceUri: claim.sourceUri || undefined };
}

function readV1(predicate: unknown): ProvenanceClaim {
  const { buildDefinition, runDetails } = check(v1, predicate);
  const { workflow, configSource, repository, source } = buildDefinition.externalParameters ?? {};
  const named = workflow?.repository ?? configSource?.uri ?? repository?.uri ?? source?.uri;
  return { builderId: runDetails.builder.id, sourceUri: named ?? gitOf(buildDefinition.resolvedDependencies) };
}

function readV02(predicate: unknown): ProvenanceClaim {
  const { builder, invocation, materials: from } = check(v02, predicate);
  return { builderId: builder.id, sourceUri: invocation?.configSource?.uri ?? gitOf(from) };
}

function gitOf(dependencies: z.infer<typeof materials>): string | undefined {
  return dependencies?.find(({ uri }) => uri?.startsWith('git+') || uri?.endsWith('.git'))?.uri ?? undefined;
}

function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`the provenance is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
}
