interface BuildTypeFacts {
  matches: (buildType: string) => boolean;
  /** External parameters and their parts, as the build type's page lists them. */
  parameters: Readonly<Record<string, readonly string[] | 'any'>>;
  /** What an expected builder should know of the builder ids of this type. */
  builderNote?: string;
}

const githubWorkflow: readonly string[] = [
  'https://actions.github.io/buildtypes/workflow/v1',
  'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
];

const known: readonly BuildTypeFacts[] = [
  {
    // https://actions.github.io/buildtypes/workflow/v1
    matches: (type) => githubWorkflow.includes(type),
    parameters: { workflow: ['ref', 'repository', 'path'] },
  },
  {
    // https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md
    matches: (type) =>
      type.startsWith('https://github.com/moby/buildkit/') || type.startsWith('https://mobyproject.org/buildkit@'),
    parameters: { configSource: ['uri', 'digest', 'path'], request: 'any' },
    builderNote: 'BuildKit’s builder id names a run of a CI job, or what its client says, not a builder',
  },
];

export function buildTypeFacts(buildType: string | undefined): BuildTypeFacts | undefined {
  return buildType === undefined ? undefined : known.find(({ matches }) => matches(buildType));
}

/** Parameters that the build type does not list; undefined when it is not known what it lists. SLSA: they should fail. */
export function unrecognisedParameters(
  buildType: string | undefined,
  parameters: Readonly<Record<string, unknown>> | undefined,
): readonly string[] | undefined {
  const facts = buildTypeFacts(buildType);
  if (facts === undefined || parameters === undefined) return undefined;
  const unrecognised = Object.entries(parameters).flatMap(([name, value]) => {
    const parts = Object.hasOwn(facts.parameters, name) ? facts.parameters[name] : undefined;
    if (parts === undefined) return [name];
    if (parts === 'any') return [];
    if (typeof value !== 'object' || value === null) return [name];
    return Object.keys(value).flatMap((part) => (parts.includes(part) ? [] : [`${name}.${part}`]));
  });
  return unrecognised.slice(0, 20).map((name) => name.slice(0, 200));
}
