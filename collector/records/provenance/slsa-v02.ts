import { z } from 'zod';
import type { ProvenanceClaim } from '../papers.ts';
import { buildTypeFacts } from './build-types.ts';
import {
  checkShape,
  clientVcs,
  dependencies,
  flagAt,
  gitDependency,
  keptDependencies,
  openObjectOrNone,
  text,
  textAt,
  timeAt,
  valueAt,
} from './claim.ts';
import { sourceLocation, workflowPath } from './source-uri.ts';

/** https://slsa.dev/spec/v0.2/provenance */
const schema = z.object({
  builder: z.object({ id: text }),
  buildType: text.nullish(),
  invocation: z.object({ configSource: openObjectOrNone, environment: openObjectOrNone }).nullish(),
  metadata: openObjectOrNone,
  materials: dependencies,
});

const buildkitKey = 'https://mobyproject.org/buildkit@v1#metadata';

/** Throws when the predicate is not of this shape; the message names the field. */
export function readSlsaV02(predicate: unknown): ProvenanceClaim {
  const { builder, buildType: type, invocation, metadata, materials } = checkShape(schema, predicate);
  const buildType = type || undefined;
  const config = invocation?.configSource;
  const environment = invocation?.environment;
  const vcs = clientVcs(valueAt(metadata, buildkitKey));
  const git = gitDependency(materials);
  const named = textAt(config, 'uri');
  const sourceUri = named ?? git?.uri ?? vcs?.source;
  return {
    builderId: builder.id || undefined,
    buildType,
    sourceUri,
    sourceField: sourceField(named, git, vcs?.source),
    ref: sourceLocation(sourceUri)?.ref ?? either(environment, 'github_ref'),
    commit: textAt(config, 'digest', 'sha1') ?? textAt(config, 'digest', 'gitCommit') ?? git?.commit ?? vcs?.revision,
    workflow: workflowOf(textAt(config, 'entryPoint')),
    runnerEnvironment: either(environment, 'runner_environment') ?? textAt(environment, 'github_runner_environment'),
    trigger: either(environment, 'github_event_name'),
    invocationId: textAt(metadata, 'buildInvocationId') ?? textAt(metadata, 'buildInvocationID'),
    startedAt: timeAt(metadata, 'buildStartedOn'),
    finishedAt: timeAt(metadata, 'buildFinishedOn'),
    completeness: {
      parameters: flagAt(metadata, 'completeness', 'parameters'),
      environment: flagAt(metadata, 'completeness', 'environment'),
      materials: flagAt(metadata, 'completeness', 'materials'),
      hermetic: flagAt(metadata, 'https://mobyproject.org/buildkit@v1#hermetic'),
    },
    clientVcs: vcs,
    isClientSource: named === undefined && git === undefined && vcs?.source !== undefined,
    unrecognisedParameters: undefined,
    builderNote: buildTypeFacts(buildType)?.builderNote,
    ...keptDependencies(materials),
  };
}

/** slsa-github-generator writes names in lower case, npm as they are in the environment. */
function either(environment: unknown, name: string): string | undefined {
  return textAt(environment, name) ?? textAt(environment, name.toUpperCase());
}

function sourceField(named: unknown, git: unknown, vcs: unknown): string | undefined {
  if (named !== undefined) return 'predicate invocation.configSource.uri';
  if (git !== undefined) return 'predicate materials';
  return vcs === undefined ? undefined : 'predicate vcs.source';
}

/** An entry point is a workflow file only where it looks like one: BuildKit's is the name of a Dockerfile. */
function workflowOf(entryPoint: string | undefined): string | undefined {
  return entryPoint?.includes('.github/workflows/') ? workflowPath(entryPoint) : undefined;
}
