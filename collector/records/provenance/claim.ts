import { z } from 'zod';
import type { ProvenanceClaim, ProvenanceDependency } from '../papers.ts';

/** Fields that SLSA defines: a wrong type makes the whole provenance malformed. */
export const text = z.string().max(4096);
/** Fields that build types define: another type than expected counts as not said. */
const lenientText = text.min(1).optional().catch(undefined);
export const openObject = z.record(z.string(), z.unknown());
export const openObjectOrNone = openObject.nullish().catch(undefined);

export const dependencies = z
  .array(z.object({ uri: text.nullish(), digest: z.record(z.string().max(64), z.string().max(256)).nullish() }))
  .max(10_000)
  .nullish();
export type Dependencies = z.infer<typeof dependencies>;

/** Kept of each provenance; there may be thousands in a build of an operating system. */
const maxDependenciesKept = 100;

/** A text at a path of a document that nobody promises the shape of. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  return lenientText.parse(valueAt(value, ...path));
}

export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

export function flagAt(value: unknown, ...path: readonly string[]): boolean | undefined {
  const found = valueAt(value, ...path);
  return typeof found === 'boolean' ? found : undefined;
}

/** Container images first: they are what a base image is found by. */
export function keptDependencies(found: Dependencies): Pick<ProvenanceClaim, 'dependencies' | 'dependencyCount'> {
  const all = (found ?? []).map(({ uri, digest }): ProvenanceDependency => {
    const { sha256, gitCommit, sha1 } = digest ?? {};
    const known =
      sha256 !== undefined ? `sha256:${sha256}` : gitCommit !== undefined ? `gitCommit:${gitCommit}` : undefined;
    return { uri: uri ?? '', digest: known ?? (sha1 === undefined ? undefined : `sha1:${sha1}`) };
  });
  const isImage = ({ uri }: ProvenanceDependency): boolean => /^pkg:(docker|oci)\//.test(uri);
  const sorted = [...all.filter(isImage), ...all.filter((dependency) => !isImage(dependency))];
  return { dependencies: sorted.slice(0, maxDependenciesKept), dependencyCount: all.length };
}

/** The first dependency that is a git repository. */
export function gitDependency(found: Dependencies): { uri: string; commit: string | undefined } | undefined {
  const git = found?.find(({ uri }) => uri?.startsWith('git+') || /\.git(#|@|$)/.test(uri ?? ''));
  if (git?.uri === undefined || git.uri === null) return undefined;
  return { uri: git.uri, commit: git.digest?.gitCommit ?? git.digest?.sha1 };
}

/** ISO time; undefined when it is none. */
export function timeAt(value: unknown, ...path: readonly string[]): string | undefined {
  const time = Date.parse(textAt(value, ...path) ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** What BuildKit's client says of the checkout it built from: documented as not to be trusted. */
export function clientVcs(metadata: unknown): ProvenanceClaim['clientVcs'] {
  const source = textAt(metadata, 'vcs', 'source');
  const revision = textAt(metadata, 'vcs', 'revision');
  return source === undefined && revision === undefined ? undefined : { source, revision };
}

/** Throws when the predicate does not have the shape of its type; the message names the field. */
export function checkShape<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`the provenance is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`);
}
