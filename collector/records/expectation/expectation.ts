import { matchesGlob } from '../../../common/glob.ts';
import { type ImageReference, parseImageReference, repositoryText } from '../../../common/image-reference.ts';
import type { ImageQuery } from '../papers.ts';
import type { ImageExpectation } from './schema.ts';

/** The first entry that matches the image's repository is the one that counts. */
export function expectationOf(
  expectations: readonly ImageExpectation[],
  repositories: readonly string[],
): ImageExpectation | undefined {
  return expectations.find(({ match }) => repositories.some((repository) => matchesGlob(match, repository)));
}

/** Repositories an image is known under; `found` is where it was found. */
export function repositoriesOf(query: ImageQuery, found: string | undefined): string[] {
  const named = [query.reference, ...query.repoDigests].map(asReference);
  const texts = named.map((reference) => (reference === undefined ? undefined : repositoryText(reference)));
  return [...new Set([found, ...texts].filter((text) => text !== undefined))];
}

export function asReference(text: string): ImageReference | undefined {
  const parsed = parseImageReference(text);
  return 'refused' in parsed ? undefined : parsed;
}

/** Whether the builds of an image are told from others at all. */
export function expectsProvenance(expectation: ImageExpectation | undefined): boolean {
  const { builders, buildTypes, sources, refs, workflows, runnerEnvironments } = expectation ?? {};
  return [builders, buildTypes, sources, refs, workflows, runnerEnvironments].some((list) => (list?.length ?? 0) > 0);
}
