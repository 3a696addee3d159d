import { z } from 'zod';
import type { ProvenanceClaim } from '../papers.ts';
import { buildTypeFacts, unrecognisedParameters } from './build-types.ts';
import {
  checkShape,
  clientVcs,
  dependencies,
  flagAt,
  gitDependency,
  keptDependencies,
  openObject,
  openObjectOrNone,
  text,
  textAt,
  timeAt,
  valueAt,
} from './claim.ts';
import { sourceLocation, workflowPath } from './source-uri.ts';

/** https://slsa.dev/spec/v1.0/provenance */
const schema = z.object({
  buildDefinition: z.object({
    buildType: text.nullish(),
    externalParameters: openObject.nullish(),
    internalParameters: openObjectOrNone,
    resolvedDependencies: dependencies,
  }),
  runDetails: z.object({ builder: z.object({ id: text }), metadata: openObjectOrNone }),
});

const place = 'predicate buildDefinition.';

/** Throws when the predicate is not of this shape; the message names the field. */
export function readSlsaV1(predicate: unknown): ProvenanceClaim {
  const { buildDefinition, runDetails } = checkShape(schema, predicate);
  const { externalParameters: outer, internalParameters: inner, resolvedDependencies: from } = buildDefinition;
  const buildType = buildDefinition.buildType || undefined;
  const { metadata } = runDetails;
  const vcs = clientVcs(valueAt(metadata, 'buildkit_metadata'));
  const source = sourceOf(outer, from);
  const location = sourceLocation(source?.uri);
  return {
    builderId: runDetails.builder.id || undefined,
    buildType,
    sourceUri: source?.uri ?? vcs?.source,
    sourceField: source?.field ?? (vcs?.source && 'predicate buildkit_metadata.vcs.source'),
    ref: textAt(outer, 'workflow', 'ref') ?? location?.ref,
    commit: commitOf(outer, from) ?? vcs?.revision,
    workflow: workflowPath(textAt(outer, 'workflow', 'path') ?? textAt(outer, 'buildConfig')),
    runnerEnvironment: textAt(inner, 'github', 'runner_environment'),
    trigger: textAt(inner, 'github', 'event_name') ?? textAt(inner, 'GITHUB_EVENT_NAME'),
    invocationId: textAt(metadata, 'invocationId') ?? textAt(metadata, 'invocationID'),
    startedAt: timeAt(metadata, 'startedOn'),
    finishedAt: timeAt(metadata, 'finishedOn'),
    completeness: {
      parameters: flagAt(metadata, 'buildkit_completeness', 'request'),
      environment: undefined,
      materials: flagAt(metadata, 'buildkit_completeness', 'resolvedDependencies'),
      hermetic: flagAt(metadata, 'buildkit_hermetic'),
    },
    clientVcs: vcs,
    isClientSource: source === undefined && vcs?.source !== undefined,
    unrecognisedParameters: unrecognisedParameters(buildType, outer ?? undefined),
    builderNote: buildTypeFacts(buildType)?.builderNote,
    ...keptDependencies(from),
  };
}

/** External parameters differ by build type, so several are tried; they are what the outside asked for. */
function sourceOf(outer: unknown, from: z.infer<typeof dependencies>): { uri: string; field: string } | undefined {
  const paths = [
    ['workflow', 'repository'],
    ['configSource', 'uri'],
    ['source', 'uri'],
    ['repository', 'uri'],
    ['source'],
    ['repository'],
  ];
  for (const path of paths) {
    const uri = textAt(outer, ...path);
    if (uri !== undefined) return { uri, field: `${place}externalParameters.${path.join('.')}` };
  }
  const git = gitDependency(from);
  return git === undefined ? undefined : { uri: git.uri, field: `${place}resolvedDependencies` };
}

function commitOf(outer: unknown, from: z.infer<typeof dependencies>): string | undefined {
  const digest = ['configSource', 'source'].map((key) => valueAt(outer, key, 'digest'));
  const named = digest.map((value) => textAt(value, 'gitCommit') ?? textAt(value, 'sha1'));
  return named.find((commit) => commit !== undefined) ?? gitDependency(from)?.commit;
}
